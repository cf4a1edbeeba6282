/** The entry of the server. */
import { run } from './process/run.ts'

await run()
