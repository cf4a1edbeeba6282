/** The server's database, for a command. */
import { makeAppSecretOfNewDatabase } from '../process/app-secret.ts'
import type { Config } from '../config/config.ts'
import { openDatabase, type Database } from '../database/database.ts'
import { databaseOptions } from './database-options.ts'
import { checkDatabaseFile, hasDatabase } from '../database/sqlite-file.ts'
import { CommandError } from './run.ts'

/**
 * Opens the server's database, migrated, for as long as the work takes.
 * @throws CommandError if there is no database
 */
export async function withDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  requireDatabase(config)
  return openMigrated(config, work)
}

/** The same for a command that may come before the first start: creates the database if there is none. */
export async function withNewOrExistingDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (config.database.engine === 'sqlite' && config.appSecret === undefined) {
    checkDatabaseFile(config.database.file)
    makeAppSecretOfNewDatabase(config.database.file)
  }
  return openMigrated(config, work)
}

/**
 * The same for a command that only reads, which must not migrate the database of a running server.
 * @throws CommandError if there is no database, or it is of an earlier version
 */
export async function withDatabaseAsItIs<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  requireDatabase(config)
  return withOpenDatabase(config.database, async (database) => {
    if (await database.hasPendingMigrations()) {
      throw new CommandError(
        'The database is of an earlier version. Start the server of this version, or: npm run db:migrate.',
      )
    }
    return work(database)
  })
}

/**
 * Most commands need a database that is there: an empty one in the wrong place would hide the mistake.
 * @throws CommandError
 */
export function requireDatabase({ database }: Config): void {
  if (database.engine === 'sqlite' && !hasDatabase(database.file)) {
    throw new CommandError(`There is no database ${database.file}.`)
  }
}

function openMigrated<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  return withOpenDatabase(config.database, async (database) => {
    await database.migrate()
    return work(database)
  })
}

/** Opens a database, whatever its version, for as long as the work takes. */
export async function withOpenDatabase<T>(
  settings: Config['database'],
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(settings, databaseOptions, (message) =>
    console.error(message),
  )
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
