/** `npm run db:migrate`: brings the schema up to date; the server does so at each start, too. */
import { loadConfig } from '../config/config.ts'
import { parseCommandLine } from './arguments.ts'
import { run } from './run.ts'
import { usage } from './usage.ts'
import { withNewOrExistingDatabase } from './with-database.ts'

await run(async () => {
  parseCommandLine(usage['db:migrate'], {}, 0)
  const config = loadConfig(process.env)
  await withNewOrExistingDatabase(config, async () => {})
  return 'The database is up to date.'
}, usage['db:migrate'])
