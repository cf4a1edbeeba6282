/** `npm run db:restore -- FILE`: puts a backup in the place of the database; all users have to sign in again. */
import { loadConfig } from '../config/config.ts'
import { explainFileError } from '../database/sqlite-file.ts'
import { parseCommandLine } from './arguments.ts'
import { checkBackup, resolveBackup } from './backup-file.ts'
import { restorePostgresql } from './restore-postgresql.ts'
import { restoreSqlite } from './restore-sqlite.ts'
import { CommandError, run } from './run.ts'
import { usage } from './usage.ts'

await run(async () => {
  const { file, isForced } = readArguments()
  checkBackup(file)
  const config = loadConfig(process.env)
  const { database } = config
  if (database.engine === 'sqlite' && isForced) {
    throw new CommandError(
      '--force is for PostgreSQL only: a SQLite file in use is never replaced.',
    )
  }
  const hint =
    database.engine === 'sqlite'
      ? await restoreSqlite(file, database.file).catch((error: unknown) => {
          throw explainFileError(database.file, error)
        })
      : await restorePostgresql(file, { ...config, database }, isForced)
  return `Restored. All users have to sign in again.${hint}`
}, usage['db:restore'])

/** @throws CommandError */
function readArguments(): { file: string; isForced: boolean } {
  const config = { options: { force: { type: 'boolean', default: false } } } as const
  const { positionals, values } = parseCommandLine(usage['db:restore'], config, 1)
  const [name] = positionals
  if (name === undefined) throw new CommandError(usage['db:restore'])
  return { file: resolveBackup(name), isForced: values.force }
}
