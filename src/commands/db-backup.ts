/** `npm run db:backup -- FILE`: a copy of the database, while the servers run. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { EventActor, EventKind } from '../core/audit/event.ts'
import { loadConfig, type Config } from '../config/config.ts'
import { inspectServer } from '../database/postgresql-inspection.ts'
import type { PostgresqlConfig } from '../database/postgresql-client.ts'
import { explainFileError } from '../database/sqlite-file.ts'
import { parseCommandLine } from './arguments.ts'
import { checkNewBackup, resolveBackup } from './backup-file.ts'
import { tablesLeftOut } from './backup-tables.ts'
import { operatorTrail } from './operator-trail.ts'
import { startTool, waitForTool } from './postgresql-tools.ts'
import { CommandError, run } from './run.ts'
import { usage } from './usage.ts'
import { requireDatabase, withDatabaseAsItIs } from './with-database.ts'

await run(async () => {
  const [name] = parseCommandLine(usage['db:backup'], {}, 1).positionals
  if (name === undefined) throw new CommandError(usage['db:backup'])
  const file = resolveBackup(name)
  checkNewBackup(file)
  const config = loadConfig(process.env)
  requireDatabase(config)
  const { database } = config
  const unfinished = `${file}.unfinished`
  rmSync(unfinished, { force: true })
  try {
    if (database.engine === 'sqlite') copySqlite(database.file, unfinished)
    else await dumpPostgresql(database, unfinished)
    writeThrough(unfinished)
    // A file of the name is a whole backup.
    renameSync(unfinished, file)
  } finally {
    rmSync(unfinished, { force: true })
  }
  await recordBackup(config)
  return `The backup is in ${file}. It holds no session, and no APP_SECRET: keep that apart from it.`
}, usage['db:backup'])

/** A database that cannot be written, or that waits for a migration, is a reason for a backup, too. */
async function recordBackup(config: Config): Promise<void> {
  try {
    await withDatabaseAsItIs(config, (database) =>
      operatorTrail().record(database.em.fork(), {
        type: EventKind.DATABASE_BACKED_UP,
        userId: null,
        actor: EventActor.OPERATOR,
      }),
    )
  } catch (error) {
    console.error(`Could not record this backup in the audit trail: ${(error as Error).message}`)
  }
}

/** Reads one state of the database, and holds up no writer. */
function copySqlite(source: string, target: string): void {
  try {
    const database = new Sqlite(source, { readonly: true, timeout: 5000 })
    try {
      database.prepare('vacuum into ?').run(target)
    } finally {
      database.close()
    }
  } catch (error) {
    // Only the copy needs space.
    const isFull = (error as { code?: unknown }).code === 'SQLITE_FULL'
    throw explainFileError(isFull ? target : source, error)
  }
  const copy = new Sqlite(target)
  try {
    const tables = copy.prepare("select name from sqlite_master where type = 'table'").pluck().all()
    for (const table of tablesLeftOut) {
      // One of an earlier version may not have it.
      if (tables.includes(table)) copy.exec(`delete from ${table}`)
    }
    // What was deleted would stay in the file.
    copy.exec('vacuum')
    const verdict = copy.pragma('integrity_check(1)', { simple: true })
    if (verdict !== 'ok') throw new CommandError(`The database ${source} is damaged.`)
  } finally {
    copy.close()
  }
}

async function dumpPostgresql(server: PostgresqlConfig, target: string): Promise<void> {
  const { schema } = await inspectServer(server)
  const { role } = server.settings
  const args = [
    '--format=custom',
    '--no-owner',
    '--no-privileges',
    // Quoted, a pattern is a name.
    `--schema="${schema}"`,
    ...tablesLeftOut.map((table) => `--exclude-table-data="${schema}".${table}`),
    ...(role === undefined ? [] : [`--role=${role}`]),
    `--file=${target}`,
  ]
  await waitForTool('pg_dump', startTool('pg_dump', args, server, ['ignore', 'ignore', 'inherit']))
}

function writeThrough(file: string): void {
  const descriptor = openSync(file, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
