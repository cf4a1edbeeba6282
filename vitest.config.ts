import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

// The suites that speak HTTP run once on each engine; `inject('engine')` says which.
const api = ['test/api/**/*.test.ts']

export default defineConfig({
  resolve: {
    // Else our files get graphql's ES module and the libraries its CommonJS one: two realms.
    alias: [
      { find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) },
      // As front ends import it, without a build.
      { find: /^latchkey\/client$/, replacement: `${import.meta.dirname}/client/index.ts` },
      { find: /^latchkey\/client\/(\w+)$/, replacement: `${import.meta.dirname}/client/$1.ts` },
    ],
  },
  test: {
    // A native driver (better-sqlite3) is safest alone in its process.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // As test/support/patience.ts has it.
    expect: { poll: { timeout: 20_000 } },
    exclude: [...configDefaults.exclude, 'dist/**'],
    globalSetup: ['test/support/build.global-setup.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'torture',
          include: ['test/torture/**/*.test.ts'],
          // Servers are started and killed, many times.
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: { name: 'api:sqlite', include: api, provide: { engine: 'sqlite' } },
      },
      {
        extends: true,
        test: {
          name: 'api:postgresql',
          include: api,
          provide: { engine: 'postgresql' },
          globalSetup: ['test/support/postgresql.global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          provide: { engine: 'sqlite' },
          globalSetup: ['test/support/browser.global-setup.ts'],
          testTimeout: 60_000,
        },
      },
    ],
  },
})
