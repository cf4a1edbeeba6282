/** Puts a backup in the place of an SQLite database. */
import { chmodSync, copyFileSync, existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { appSecretFile } from '../process/app-secret.ts'
import type { Database } from '../database/database.ts'
import { makePrivateFolder } from '../database/private-folder.ts'
import { tablesLeftOut } from './backup-tables.ts'
import { recordRestore } from './restore-trail.ts'
import { CommandError } from './run.ts'
import { withOpenDatabase } from './with-database.ts'

/** The database, and what belongs to it: SQLite would play an old log into a new file of the name. */
const suffixes = ['', '-wal', '-shm', '-journal']

/** @returns what else there is to say */
export async function restoreSqlite(backup: string, target: string): Promise<string> {
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
      await recordRestore(database, lock && countSessions(lock))
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
  await withOpenDatabase({ engine: 'sqlite', file }, async (database) => {
    await database.migrate()
    await work(database)
  })
  // All of it in the one file that is moved.
  const closed = new Sqlite(file)
  closed.pragma('journal_mode = delete')
  closed.close()
}

/**
 * Empties the write-ahead log into the file, and locks the file until it is closed. A process that waits for
 * the lock cannot write the file afterwards: SQLite notices that it was moved.
 * @returns nothing if the database is damaged, which is a reason to be here
 * @throws CommandError if someone else has it open
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
  // Between the two someone may have come and started another log.
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
      // The same to every reader.
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
