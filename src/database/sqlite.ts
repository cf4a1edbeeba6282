/** The embedded engine: one file, a connection that writes and one that only reads. */
import { closeSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { MikroORM } from '@mikro-orm/sqlite'
import Sqlite from 'better-sqlite3'
import { SqliteDialect } from 'kysely'
import { noteErrors } from './driver-errors.ts'
import type { Driver } from './driver.ts'
import { KeptStatements } from './kept-statements.ts'
import { CarefulDialect } from './kysely-driver.ts'
import { migrations } from './migrations/sqlite/index.ts'
import type { OrmOptions } from './orm-options.ts'
import { makePrivateFolder } from './private-folder.ts'
import { cannotBeUsed, checkDatabaseFile, explainFileError } from './sqlite-file.ts'

const busyTimeoutMilliseconds = 5000
/** A file up to this size is checked whole at start; a larger one would delay the first response. */
const checkedFileBytes = 32 * 1024 * 1024

/** Of a migration that meets those of others; between two of them it waits until no one writes. */
const migrationAttempts = 5

export async function openSqlite(file: string, options: OrmOptions): Promise<Driver> {
  try {
    prepareFile(file)
    const writer = new Sqlite(file, { timeout: busyTimeoutMilliseconds })
    applySettings(writer)
    const orm = new MikroORM({
      ...options.orm,
      dbName: file,
      driverOptions: () =>
        new CarefulDialect(new SqliteDialect({ database: new KeptStatements(writer) })),
      migrations: {
        ...options.orm.migrations,
        migrationsList: [...migrations, ...options.migrationsOfFeatures.sqlite],
      },
    })
    await orm.em.getConnection().connect()
    // A reader of its own never sees what a transaction of another request has not committed.
    const reader = new Sqlite(file, { readonly: true, timeout: busyTimeoutMilliseconds })
    return {
      engine: 'sqlite',
      hasReplicas: false,
      em: orm.em,
      migrate: async () => {
        refuseOtherTables(orm, writer, file)
        for (let attempt = 1; ; attempt += 1) {
          try {
            await orm.migrator.up()
            return
          } catch (error) {
            const isBusy = String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')
            if (attempt >= (isBusy ? migrationAttempts : 2)) throw explainFileError(file, error)
            // Another process is at it, in the one transaction that all migrations are, or was just before:
            // ours found its tables. SQLite waits for no one in a transaction that has read, as ours has, so
            // the wait is here. What is left to do then is what the other one has not done.
            writer.exec('begin immediate; rollback')
          }
        }
      },
      hasPendingMigrations: async () => (await orm.migrator.getPending()).length > 0,
      prepareRead: <Row>(sql: string) => {
        let statement: Sqlite.Statement<[string], Row> | undefined
        return (parameter: string) =>
          noteErrors(() => {
            // Prepared at first use: at wiring time the table may not be there yet.
            statement ??= reader.prepare<[string], Row>(sql)
            return statement.get(parameter)
          })
      },
      close: async () => {
        reader.close()
        await orm.close()
      },
    }
  } catch (error) {
    throw explainFileError(file, error)
  }
}

/**
 * The migrator creates its table before any other, so tables of ours without it are not ours.
 * @throws DatabaseStartError
 */
function refuseOtherTables(orm: MikroORM, connection: Sqlite.Database, file: string): void {
  const names = Array.from(orm.getMetadata().getAll().values(), ({ tableName }) => tableName)
  const found = connection
    .prepare<[string], string>(
      `select name from sqlite_master where name in (select value from json_each(?))
        and not exists (select 1 from sqlite_master where name = 'mikro_orm_migrations')
        order by name`,
    )
    .pluck()
    .all(JSON.stringify(names))
  if (found.length > 0) {
    throw cannotBeUsed(
      file,
      `it belongs to another application, which has tables with the names ${found.join(', ')}. Name another file`,
    )
  }
}

/** Creates folder and file for their owner only, and proves that the file can be read and written. */
function prepareFile(file: string): void {
  checkDatabaseFile(file)
  makePrivateFolder(dirname(file))
  closeSync(openSync(file, 'a', 0o600))
  const probe = new Sqlite(file, { timeout: busyTimeoutMilliseconds })
  try {
    applySettings(probe)
    probe.exec('begin immediate; rollback')
    if (statSync(file).size <= checkedFileBytes) {
      const verdict = probe.pragma('quick_check(1)', { simple: true })
      if (verdict !== 'ok')
        throw Object.assign(new Error(String(verdict)), { code: 'SQLITE_CORRUPT' })
    }
  } finally {
    probe.close()
  }
}

function applySettings(connection: Sqlite.Database): void {
  connection.pragma(`busy_timeout = ${busyTimeoutMilliseconds}`)
  connection.pragma('journal_mode = WAL')
  // With NORMAL a power cut may undo a commit that was reported to a client.
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
}
