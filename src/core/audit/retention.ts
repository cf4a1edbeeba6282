/** How long the trail reaches back, and how much of it there may be. */
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Database } from '../../database/database.ts'
import { untilNone, type Sweep } from '../jobs/sweeping.ts'
import { EventActor, repeatableEvents } from './event.ts'
import { lowestEventId } from './event-id.ts'

/** Of one account; and of all failures together that name no account. The oldest make room. */
export const eventsPerAccount = 10_000
/** Of these, what can be caused without end makes room first, as long as there is more of it than so many. */
export const repeatablePerAccount = 2000
/** Accounts with new events are looked at for this long: several rounds of sweeping. */
const recentMilliseconds = 15 * 60 * 1000
/** Looked at in one statement: of each account, it walks over as many events as it may have. */
const pageEvents = 100

/** @param retention read again for each batch */
export function auditSweeps(retention: () => Retention): Sweep[] {
  return [
    untilNone((limit) => sweepOldEvents(retention(), limit)),
    () => accountTrimming(retention()),
    untilNone((limit) => trimAnonymous(retention(), limit)),
  ]
}

export interface Retention {
  readonly database: Database
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly retentionSeconds: number
}

/**
 * Removes events that are older than the retention; ids are in the order of time.
 * @param limit the most to remove at once
 * @returns how many it removed
 */
export async function sweepOldEvents(retention: Retention, limit: number): Promise<number> {
  const oldest = lowestEventId(retention.now - retention.retentionSeconds * 1000)
  const result = await sql`delete from audit_events where id in (
    select id from audit_events where id < ${oldest} order by id limit ${limit})`.execute(
    retention.database.kysely,
  )
  return Number(result.numAffectedRows)
}

/**
 * Removes the oldest events of accounts that have too many, among those of which there are new ones:
 * what has been trimmed stays so until more happens. A step looks at one page of the new events, so
 * that none takes long, however many accounts there are.
 * @returns a step, which removes at most `limit` and says whether there may be more to do
 */
export function accountTrimming({ database, now }: Retention): (limit: number) => Promise<boolean> {
  const { kysely } = database
  const checked = new Set<string>()
  let full: string[] = []
  let position = lowestEventId(now - recentMilliseconds)
  return async (limit) => {
    const [account] = full
    if (account !== undefined) {
      if ((await trimAccount(kysely, account, limit)) < limit) full.shift()
      return true
    }
    const { rows: page } = await sql<{ id: string; user_id: string | null }>`
      select id, user_id from audit_events where id > ${position} order by id
      limit ${pageEvents}`.execute(kysely)
    position = page.at(-1)?.id ?? position
    const accounts = new Set(page.map((event) => event.user_id)).difference(checked)
    for (const id of accounts) if (id !== null) checked.add(id)
    full = await findFull(
      kysely,
      [...accounts].filter((id) => id !== null),
    )
    return full.length > 0 || page.length === pageEvents
  }
}

/** Which of the accounts have too many events. */
async function findFull(kysely: Kysely<unknown>, accounts: string[]): Promise<string[]> {
  if (accounts.length === 0) return []
  // Counts no further than is needed.
  const { rows } = await sql<{ id: string }>`select id from users
    where id in (${sql.join(accounts)}) and exists (
      select 1 from audit_events where user_id = users.id
      order by id limit 1 offset ${eventsPerAccount})`.execute(kysely)
  return rows.map(({ id }) => id)
}

const isRepeatable = sql`type in (${sql.join(repeatableEvents.flat())})`

/** @returns how many it removed */
async function trimAccount(
  kysely: Kysely<unknown>,
  account: string,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ repeatable: number | string; others: number | string }>`
    select count(case when ${isRepeatable} then 1 end) as repeatable,
      count(case when not ${isRepeatable} then 1 end) as others
    from audit_events where user_id = ${account}`.execute(kysely)
  const repeatable = Number(rows[0]?.repeatable ?? 0)
  const others = Number(rows[0]?.others ?? 0)
  if (repeatable + others <= eventsPerAccount) return 0
  const ofAccount = sql`user_id = ${account}`
  const keptRepeatable = Math.min(
    repeatable,
    Math.max(repeatablePerAccount, eventsPerAccount - others),
  )
  const removed =
    repeatable > keptRepeatable
      ? await trim(kysely, sql`${ofAccount} and ${isRepeatable}`, limit, keptRepeatable)
      : 0
  const keptOthers = eventsPerAccount - keptRepeatable
  if (removed === limit || others <= keptOthers) return removed
  return (
    removed +
    (await trim(kysely, sql`${ofAccount} and not ${isRepeatable}`, limit - removed, keptOthers))
  )
}

/** The same for failures that name no account. */
export function trimAnonymous(retention: Retention, limit: number): Promise<number> {
  return trim(
    retention.database.kysely,
    sql`user_id is null and actor = ${EventActor.ANONYMOUS}`,
    limit,
    eventsPerAccount,
  )
}

/** Removes all but the newest that the condition is true of. @returns how many it removed */
async function trim(
  kysely: Kysely<unknown>,
  condition: RawBuilder<unknown>,
  limit: number,
  kept: number,
): Promise<number> {
  const result = await sql`delete from audit_events where id in (
    select id from audit_events where ${condition}
      and id < (select id from audit_events where ${condition}
        order by id desc limit 1 offset ${kept - 1})
    order by id limit ${limit})`.execute(kysely)
  return Number(result.numAffectedRows)
}
