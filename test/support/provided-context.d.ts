// What vitest.config.ts and the global setups hand to the tests, by `inject(name)`.
import 'vitest'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The database that this run of test/api is about. */
    engine: 'sqlite' | 'postgresql'
    /** The administrator's URL of the PostgreSQL server; only where `engine` is `postgresql`. */
    postgresUrl: string | undefined
    /** The browser of test/browser; absent, there is none on this machine. */
    chromiumPath: string | undefined
  }
}
