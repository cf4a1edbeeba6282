// What vitest.config.ts and the global setups hand to the tests, by `inject(name)`.
import 'vitest'
import type { Chromium } from './chromium.ts'
import type { Need } from './needs.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The database that this run of test/api is about. */
    engine: 'sqlite' | 'postgresql'
    /** The administrator's URL of the PostgreSQL server; only where `engine` is `postgresql`. */
    postgresUrl: string | undefined
    /** The browser of test/browser. */
    chromium: Chromium | undefined
    /** What the machine does not have, so that no test of the project can run. */
    lacks: Need | undefined
  }
}
