/** What is true of the database at every moment, whoever was killed before. */
import type { JournaledAccount } from './journal.ts'
import type { LabDatabase } from './lab.ts'

const forbidden: Record<string, string> = {
  'an account without a password and without an identity': `select id from users
    where password_hash is null and id not in (select user_id from identities)`,
  'a session without its account': `select id from sessions
    where user_id not in (select id from users)`,
  'an identity without its account': `select id from identities
    where user_id not in (select id from users)`,
  'an address with two accounts': `select lower(email) from users
    group by lower(email) having count(*) > 1`,
}

/** @returns what is not as it must be */
export async function brokenInvariants(database: LabDatabase): Promise<string[]> {
  const broken: string[] = []
  for (const [name, sql] of Object.entries(forbidden)) {
    const rows = await database.query(sql)
    if (rows.length > 0) broken.push(`${name}: ${JSON.stringify(rows)}`)
  }
  const keys = await database.query('select state from signing_keys order by state')
  const states = keys.map(({ state }) => state).filter((state) => state !== 'retired')
  if (states.join() !== 'current,next') broken.push(`the signing keys are ${states.join()}`)
  if (database.engine === 'sqlite') {
    const [verdict] = await database.query('pragma integrity_check')
    if (verdict?.['integrity_check'] !== 'ok') broken.push(`SQLite says ${JSON.stringify(verdict)}`)
    const orphans = await database.query('pragma foreign_key_check')
    if (orphans.length > 0) broken.push(`SQLite says ${JSON.stringify(orphans)}`)
  }
  return broken
}

/** @returns what of all that was ever acknowledged is not in the database */
export async function lostWrites(
  database: LabDatabase,
  accounts: readonly JournaledAccount[],
): Promise<string[]> {
  const emails = new Set(
    (await database.query('select email from users')).map((row) => row['email']),
  )
  const sessions = new Set(
    (await database.query('select id from sessions')).map((row) => row['id']),
  )
  return accounts
    .filter((account) => account.isAcknowledged)
    .flatMap((account) => [
      ...(emails.has(account.email) ? [] : [`${account.email} is lost`]),
      ...account.sessions
        .filter((session) => session.isAlive !== sessions.has(session.id))
        .map(
          (session) =>
            `${account.email}: a session that ${session.isAlive ? 'lives is lost' : 'has ended is there'}`,
        ),
    ])
}
