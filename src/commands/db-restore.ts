/** `npm run db:restore -- FILE`: puts a backup in the place of the database; everybody has to sign in again. */
import { chmodSync, copyFileSync, existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { appSecretFile } from '../app-secret.ts'
import { EventActor, EventType } from '../audit/event.ts'
import { EventIds } from '../audit/event-id.ts'
import { loadConfig, type Config } from '../config.ts'
import { openDatabase, type Database } from '../database/database.ts'
import type { PostgresqlConfig } from '../database/postgresql.ts'
import { makePrivateFolder } from '../database/private-folder.ts'
import { tablesLeftOut } from './backup-tables.ts'
import { operatorName, operatorTrail } from './operator-trail.ts'
import { startTool, waitForTool } from './postgresql-tools.ts'
import { CommandError, run } from './run.ts'
import { withDatabase } from './with-database.ts'

const usage = `Usage: npm run db:restore -- FILE

  FILE   from npm run db:backup. Stop the servers first.`

/** The database, and what belongs to it: SQLite would play an old log into a new file of the name. */
const suffixes = ['', '-wal', '-shm', '-journal']

/** What happened is told in the transaction in which it happens. The values are variables of psql. */
const insertIfTrailIsThere = `select to_regclass('audit_events') is not null as has_trail \\gset
\\if :has_trail
insert into audit_events (id, type, occurred_at, actor, operator, sessions_ended)
  values (:'id', :'type', :'occurred_at', :'actor', :'operator', nullif(:'sessions_ended', '')::int);
\\endif
`

await run(async () => {
  const [file, ...rest] = process.argv.slice(2)
  if (file === undefined || file.startsWith('-') || rest.length > 0) throw new CommandError(usage)
  if (!existsSync(file)) throw new CommandError(`There is no ${file}.`)
  const config = loadConfig(process.env)
  const { database } = config
  const hint =
    database.engine === 'sqlite'
      ? await restoreSqlite(file, database.file)
      : await restorePostgresql(file, config, database)
  return `Restored. Everybody has to sign in again.${hint}`
})

/** @param sessionsEnded those of the database that was there; unknown where that cannot be read */
function tellTrail(database: Database, sessionsEnded: number | undefined): Promise<void> {
  return operatorTrail().record(database.em.fork(), {
    type: EventType.DATABASE_RESTORED,
    userId: null,
    actor: EventActor.OPERATOR,
    ...(sessionsEnded !== undefined && { sessionsEnded }),
  })
}

/** @returns what else there is to say */
async function restoreSqlite(backup: string, target: string): Promise<string> {
  const restored = `${target}.restoring`
  const replaced = `${target}.replaced`
  const hadDatabase = existsSync(target)
  const isTaken = suffixes.some((suffix) => existsSync(replaced + suffix))
  if (isTaken && suffixes.some((suffix) => existsSync(target + suffix))) {
    throw new CommandError(`${replaced} is there already, from an earlier restore: move it away.`)
  }
  removeWithLog(restored)
  makePrivateFolder(dirname(target))
  copyFileSync(backup, restored)
  chmodSync(restored, 0o600)
  let lock: Sqlite.Database | undefined
  try {
    emptyOfSessions(restored, backup)
    await withRestored(restored, async (database) => {
      lock = hadDatabase ? lockAlone(target) : undefined
      await tellTrail(database, lock && countSessions(lock))
    })
    if (hadDatabase) linkSync(target, replaced)
    for (const suffix of suffixes.slice(1)) {
      if (existsSync(target + suffix)) renameSync(target + suffix, replaced + suffix)
    }
    // There is a database at every moment: the old or the new one.
    renameSync(restored, target)
  } finally {
    lock?.close()
    removeWithLog(restored)
  }
  const secret = appSecretFile(target)
  const aboutSecret = existsSync(secret)
    ? ''
    : `\nUnless APP_SECRET is set, the secret of that time belongs in ${secret}; if it is lost: npm run keys -- reset.`
  return (hadDatabase ? `\nWhat was there before is in ${replaced}.` : '') + aboutSecret
}

/** An earlier restore that was killed may have left a log, which would be played into the file. */
function removeWithLog(file: string): void {
  for (const suffix of suffixes) rmSync(file + suffix, { force: true })
}

/** Opens the file before it takes its place, migrated: a backup may be older than the program. */
async function withRestored(
  file: string,
  work: (database: Database) => Promise<void>,
): Promise<void> {
  const database = await openDatabase({ engine: 'sqlite', file }, (message) =>
    console.error(message),
  )
  try {
    await database.migrate()
    await work(database)
  } finally {
    await database.close()
  }
  // All of it in the one file that is moved.
  const closed = new Sqlite(file)
  closed.pragma('journal_mode = delete')
  closed.close()
}

/**
 * Empties the write-ahead log into the file, and keeps everybody out until it is closed. Whoever waits
 * for the file that far cannot write it any more: SQLite notices that it was moved.
 * @returns nothing where the database is damaged, which is a reason to be here
 * @throws CommandError where somebody else has it open
 */
function lockAlone(target: string): Sqlite.Database | undefined {
  const inUse = new CommandError(
    `${target} is in use: stop the server, and its operators' commands.`,
  )
  let current: Sqlite.Database | undefined
  try {
    // Whoever may write would, on closing it, empty the log of a damaged one, too.
    const reader = new Sqlite(target, { readonly: true, timeout: 1000 })
    try {
      reader.prepare('select count(*) from sqlite_master').get()
    } finally {
      reader.close()
    }
    current = new Sqlite(target, { timeout: 1000 })
    // Only the last one who has the database open can do that.
    current.pragma('journal_mode = delete')
    current.exec('begin exclusive')
  } catch (error) {
    current?.close()
    const code = String((error as { code?: unknown }).code)
    if (code.startsWith('SQLITE_BUSY')) throw inUse
    if (!/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(code)) throw error
    return undefined
  }
  // Between the two somebody may have come and begun another log.
  if (!existsSync(`${target}-wal`)) return current
  current.close()
  throw inUse
}

function countSessions(database: Sqlite.Database): number | undefined {
  try {
    return database.prepare('select count(*) from sessions').pluck().get() as number
  } catch {
    return undefined
  }
}

/** Whatever the file is, and however it was made: a copy of the file has sessions. */
function emptyOfSessions(restored: string, backup: string): void {
  const database = (() => {
    try {
      const opened = new Sqlite(restored)
      const verdict = opened.pragma('integrity_check(1)', { simple: true })
      if (verdict === 'ok') return opened
      opened.close()
    } catch {
      // The same to whoever reads it.
    }
    throw new CommandError(`${backup} is no SQLite database, or it is damaged.`)
  })()
  try {
    const tables = database
      .prepare("select name from sqlite_master where type = 'table'")
      .pluck()
      .all()
    if (!tables.includes('users')) throw new CommandError(`${backup} is no backup of Latchkey.`)
    for (const table of tablesLeftOut) {
      if (tables.includes(table)) database.exec(`delete from ${table}`)
    }
  } finally {
    database.close()
  }
}

/**
 * In one transaction: until its end a server that runs sees what was there before. The transaction is
 * ended by what we write, not by psql at the end of its input: that also comes where we are killed.
 */
async function restorePostgresql(
  backup: string,
  config: Config,
  server: PostgresqlConfig,
): Promise<string> {
  // Those of this version, since the backup may know fewer.
  const { names, sessionsEnded } = await lookAtDatabase(server)
  const now = Date.now()
  const event = {
    id: new EventIds().next(now),
    occurred_at: now,
    type: EventType.DATABASE_RESTORED,
    actor: EventActor.OPERATOR,
    operator: operatorName(),
    sessions_ended: sessionsEnded ?? '',
  }
  const tables = [...names, 'mikro_orm_migrations']
  const before = `set client_min_messages = warning;\nbegin;\ndrop table if exists ${tables.join(', ')} cascade;\n`
  const after = [
    // The dump has emptied it.
    'reset search_path;\n',
    ...tablesLeftOut.map(deleteIfThere),
    insertIfTrailIsThere,
    'commit;\n',
  ].join('')
  const reader = startTool(
    'pg_restore',
    ['--no-owner', '--no-privileges', '--file=-', backup],
    server,
    ['ignore', 'pipe', 'inherit'],
  )
  const writer = startTool(
    'psql',
    [
      '--no-psqlrc',
      '--quiet',
      '--set=ON_ERROR_STOP=1',
      ...Object.entries(event).map(([name, value]) => `--set=${name}=${value}`),
      '--file=-',
    ],
    server,
    ['pipe', 'ignore', 'inherit'],
  )
  // What is written to one that has ended is lost; its end is what counts.
  writer.stdin!.on('error', () => {})
  writer.stdin!.write(before)
  reader.stdout!.pipe(writer.stdin!, { end: false })
  try {
    await Promise.all([
      waitForTool('pg_restore', reader).then(() => writer.stdin!.end(after)),
      waitForTool('psql', writer),
    ])
  } catch (error) {
    writer.kill('SIGKILL')
    reader.kill('SIGKILL')
    throw error
  }
  // A backup may be older than the program, and know of no trail yet.
  await withDatabase(config, async (database) => {
    const { rows } = await sql`select 1 from audit_events where id = ${event.id}`.execute(
      database.kysely,
    )
    if (rows.length === 0) await tellTrail(database, sessionsEnded)
  })
  return ''
}

/** A backup of an earlier version may not have the table. */
function deleteIfThere(table: string): string {
  return `do $$ begin if to_regclass('${table}') is not null then delete from ${table}; end if; end $$;\n`
}

async function lookAtDatabase(server: PostgresqlConfig) {
  const database = await openDatabase(server, (message) => console.error(message))
  try {
    const entities = Array.from(database.em.getMetadata().getAll().values())
    const counted = await sql<{ count: string }>`select count(*) from sessions`
      .execute(database.kysely)
      .catch(() => undefined)
    return {
      names: entities.map(({ tableName }) => tableName),
      sessionsEnded: counted && Number(counted.rows[0]!.count),
    }
  } finally {
    await database.close()
  }
}
