/** A database with every migration: what the others are copied from. */
import { loadConfig } from '../../src/config/config.ts'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { openDatabase } from '../../src/database/database.ts'
import { testAppSecret as APP_SECRET } from './secret.ts'

export async function migrate(url: string): Promise<void> {
  const { database: settings } = loadConfig({ APP_SECRET, DATABASE_URL: url })
  const database = await openDatabase(settings, databaseOptions, () => {})
  await database.migrate()
  await database.close()
}
