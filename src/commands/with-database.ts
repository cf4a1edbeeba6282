/** The server's database, for a command. */
import { existsSync } from 'node:fs'
import { makeAppSecretOfNewDatabase } from '../process/app-secret.ts'
import type { Config } from '../config/config.ts'
import { openDatabase, type Database } from '../database/database.ts'
import { databaseOptions } from './database-options.ts'
import { checkDatabaseFile } from '../database/sqlite-file.ts'
import { CommandError } from './run.ts'

/** Opens the server's database, migrated, for as long as the work takes. */
export async function withDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (config.database.engine === 'sqlite' && config.appSecret === undefined) {
    checkDatabaseFile(config.database.file)
    makeAppSecretOfNewDatabase(config.database.file)
  }
  return open(config, async (database) => {
    await database.migrate()
    return work(database)
  })
}

/**
 * The same for those who only look: a command that only reads must not migrate the database of a server
 * that runs.
 * @throws CommandError if the database is not there, or of an earlier version
 */
export async function withDatabaseAsItIs<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const { database: settings } = config
  if (settings.engine === 'sqlite' && !existsSync(settings.file)) {
    throw new CommandError(`There is no database ${settings.file}.`)
  }
  return open(config, async (database) => {
    if (await database.hasPendingMigrations()) {
      throw new CommandError(
        'The database is of an earlier version. Start the server of this version, or: npm run db:migrate.',
      )
    }
    return work(database)
  })
}

async function open<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(config.database, databaseOptions, (message) =>
    console.error(message),
  )
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
