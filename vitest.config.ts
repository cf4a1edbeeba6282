import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { mutationPlugin, mutationVariable } from './test/mutation/plugin.ts'
import { prepareEnvironment } from './test/support/environment.ts'

prepareEnvironment()

/** `npm test` runs the quick tests, `npm run test:all` all of them; so does vitest by itself. */
const isQuick = process.env['TEST_SELECTION'] === 'quick'

// The suites that speak HTTP run once on each engine; `inject('engine')` says which.
const api = ['test/api/**/*.test.ts']
/** What the two engines decide by different means. The quick tests run these on PostgreSQL as well. */
const races = [
  'change-password',
  'database',
  'database-unavailable',
  'failed-transactions',
  'key-rotation',
  'password-change-sessions',
  'readiness',
  'refresh-race',
  'session-history',
  'session-locks',
  'throttle-store',
].map((name) => `test/api/${name}.test.ts`)
/** They build, install or rehearse for minutes, or wait for processes and connections to time out. */
const slow = [
  'contract/adding-a-provider',
  'contract/backup',
  'contract/client-package',
  'contract/container',
  'contract/guarded-feature',
  'contract/unread-responses',
  'unit/command-line',
  'unit/postgresql-connections',
].map((name) => `test/${name}.test.ts`)
const exclude = [...configDefaults.exclude, ...(isQuick ? slow : [])]

const projects: TestProjectInlineConfiguration[] = [
  {
    extends: true,
    test: { name: 'unit', include: ['test/unit/**/*.test.ts'], exclude, isolate: false },
  },
  {
    extends: true,
    test: { name: 'contract', include: ['test/contract/**/*.test.ts'], exclude },
  },
  {
    extends: true,
    test: { name: 'api:sqlite', include: api, isolate: false, provide: { engine: 'sqlite' } },
  },
  {
    extends: true,
    test: {
      name: 'api:postgresql',
      include: isQuick ? races : api,
      isolate: false,
      runner: 'test/support/skipping.runner.ts',
      provide: { engine: 'postgresql' },
      globalSetup: ['test/support/postgresql.global-setup.ts'],
    },
  },
]
const longProjects: TestProjectInlineConfiguration[] = [
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
    test: {
      name: 'browser',
      include: ['test/browser/**/*.test.ts'],
      runner: 'test/support/skipping.runner.ts',
      provide: { engine: 'sqlite' },
      globalSetup: ['test/support/browser.global-setup.ts'],
    },
  },
]

export default defineConfig({
  plugins: process.env[mutationVariable] === undefined ? [] : [mutationPlugin()],
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
    // Vitest itself would leave one processor to itself, which is half of a small machine.
    maxWorkers: Math.min(Math.max(2, availableParallelism()), 8),
    // No test takes so long on a machine that has nothing else to do.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // As test/support/patience.ts has it.
    expect: { poll: { timeout: 60_000 } },
    exclude: [...configDefaults.exclude, 'dist/**'],
    reporters: ['default', 'test/support/summary.reporter.ts'],
    globalSetup: ['test/support/build.global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    projects: isQuick ? projects : [...projects, ...longProjects],
  },
})
