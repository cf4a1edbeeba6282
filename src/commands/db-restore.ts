/** `npm run db:restore -- FILE`: puts a backup in the place of the database; everybody has to sign in again. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { appSecretFile } from '../app-secret.ts'
import { loadConfig, type Config } from '../config.ts'
import { openDatabase } from '../database/database.ts'
import type { PostgresqlConfig } from '../database/postgresql.ts'
import { tablesLeftOut } from './backup-tables.ts'
import { startTool, waitForTool } from './postgresql-tools.ts'
import { CommandError, run } from './run.ts'
import { withDatabase } from './with-database.ts'

const usage = `Usage: npm run db:restore -- FILE

  FILE   from npm run db:backup. Stop the servers first.`

/** The database, and what belongs to it: SQLite would play an old log into a new file of the name. */
const suffixes = ['', '-wal', '-shm', '-journal']

await run(async () => {
  const [file, ...rest] = process.argv.slice(2)
  if (file === undefined || file.startsWith('-') || rest.length > 0) throw new CommandError(usage)
  if (!existsSync(file)) throw new CommandError(`There is no ${file}.`)
  const config = loadConfig(process.env)
  const { database } = config
  const kept =
    database.engine === 'sqlite'
      ? restoreSqlite(file, database.file)
      : await restorePostgresql(file, database)
  // A backup may be older than the program.
  await migrate(config)
  return `Restored. Everybody has to sign in again.${kept}`
})

async function migrate(config: Config): Promise<void> {
  await withDatabase(config, async () => {})
}

/** @returns what else there is to say */
function restoreSqlite(backup: string, target: string): string {
  const restored = `${target}.restoring`
  const replaced = `${target}.replaced`
  const hadDatabase = existsSync(target)
  const isTaken = suffixes.some((suffix) => existsSync(replaced + suffix))
  if (isTaken && suffixes.some((suffix) => existsSync(target + suffix))) {
    throw new CommandError(`${replaced} is there already, from an earlier restore: move it away.`)
  }
  rmSync(restored, { force: true })
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
  copyFileSync(backup, restored)
  chmodSync(restored, 0o600)
  let lock: Sqlite.Database | undefined
  try {
    emptyOfSessions(restored, backup)
    lock = hadDatabase ? lockAlone(target) : undefined
    if (hadDatabase) linkSync(target, replaced)
    for (const suffix of suffixes.slice(1)) {
      if (existsSync(target + suffix)) renameSync(target + suffix, replaced + suffix)
    }
    // There is a database at every moment: the old or the new one.
    renameSync(restored, target)
  } finally {
    lock?.close()
    rmSync(restored, { force: true })
  }
  const secret = appSecretFile(target)
  const hint = existsSync(secret)
    ? ''
    : `\nUnless APP_SECRET is set, the secret of that time belongs in ${secret}; if it is lost: npm run keys -- reset.`
  return (hadDatabase ? `\nWhat was there before is in ${replaced}.` : '') + hint
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
    database.pragma('journal_mode = delete')
  } finally {
    database.close()
  }
}

/**
 * In one transaction: until its end a server that runs sees what was there before. The transaction is
 * ended by what we write, not by psql at the end of its input: that also comes where we are killed.
 */
async function restorePostgresql(backup: string, config: PostgresqlConfig): Promise<string> {
  // Those of this version, since the backup may know fewer.
  const tables = [...(await tableNames(config)), 'mikro_orm_migrations']
  const before = `begin;\ndrop table if exists ${tables.join(', ')} cascade;\n`
  const after = [
    // The dump has emptied it.
    'reset search_path;\n',
    ...tablesLeftOut.map((table) => `delete from ${table};\n`),
    'commit;\n',
  ].join('')
  const reader = startTool(
    'pg_restore',
    ['--no-owner', '--no-privileges', '--file=-', backup],
    config,
    ['ignore', 'pipe', 'inherit'],
  )
  const writer = startTool(
    'psql',
    ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--file=-'],
    config,
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
  return ''
}

async function tableNames(config: PostgresqlConfig): Promise<string[]> {
  const database = await openDatabase(config, (message) => console.error(message))
  try {
    return Array.from(database.em.getMetadata().getAll().values(), ({ tableName }) => tableName)
  } finally {
    await database.close()
  }
}
