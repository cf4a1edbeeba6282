/** `npm run db:restore -- FILE`: puts a backup in the place of the database; all users have to sign in again. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadConfig } from '../config/config.ts'
import { restorePostgresql } from './restore-postgresql.ts'
import { restoreSqlite } from './restore-sqlite.ts'
import { CommandError, run } from './run.ts'
import { usage } from './usage.ts'

await run(async () => {
  const { file, isForced } = readArguments()
  if (!existsSync(file)) throw new CommandError(`There is no ${file}.`)
  const config = loadConfig(process.env)
  const { database } = config
  if (database.engine === 'sqlite' && isForced) {
    throw new CommandError(
      '--force is for PostgreSQL only: a SQLite file in use is never replaced.',
    )
  }
  const hint =
    database.engine === 'sqlite'
      ? await restoreSqlite(file, database.file)
      : await restorePostgresql(file, { ...config, database }, isForced)
  return `Restored. All users have to sign in again.${hint}`
})

/** @throws CommandError */
function readArguments(): { file: string; isForced: boolean } {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { force: { type: 'boolean', default: false } },
    })
    const [file, ...rest] = positionals
    if (file !== undefined && rest.length === 0) return { file, isForced: values.force }
  } catch {
    // The same as a missing file.
  }
  throw new CommandError(usage['db:restore'])
}
