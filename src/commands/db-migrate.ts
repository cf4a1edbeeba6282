/** `npm run db:migrate`: brings the schema up to date; the server does so at each start, too. */
import { loadConfig } from '../config/config.ts'
import { run } from './run.ts'
import { withNewOrExistingDatabase } from './with-database.ts'

await run(async () => {
  const config = loadConfig(process.env)
  await withNewOrExistingDatabase(config, async () => {})
  return 'The database is up to date.'
})
