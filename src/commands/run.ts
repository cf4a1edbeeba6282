/** What every operator's command does around its own work. */
import { makeAppSecretOfNewDatabase } from '../app-secret.ts'
import type { Config } from '../config.ts'
import { openDatabase, type Database } from '../database/database.ts'
import { loadEnvFile } from '../settings.ts'
import { describeStartError } from '../start-error.ts'

/** The command line is wrong, or names what is not there; the message says so. */
export class CommandError extends Error {
  override name = 'CommandError'
}

/** Runs a command to its end: what it returns is printed, a failure becomes exit status 1. */
export async function run(command: () => Promise<string>): Promise<void> {
  process.umask(0o077)
  try {
    loadEnvFile()
    console.log(await command())
  } catch (error) {
    console.error(error instanceof CommandError ? error.message : describeStartError(error))
    process.exitCode = 1
  }
}

/** Opens the server's database, migrated, for as long as the work takes. */
export async function withDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (config.database.engine === 'sqlite' && config.appSecret === undefined) {
    makeAppSecretOfNewDatabase(config.database.file)
  }
  const database = await openDatabase(config.database, (message) => console.error(message))
  try {
    await database.migrate()
    return await work(database)
  } finally {
    await database.close()
  }
}
