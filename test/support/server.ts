/** A real server for a test: on port 0, on a migrated database of its own, with a clock that the test turns. */
import { afterAll, beforeAll, onTestFinished, vi } from 'vitest'
import { createApp, type App, type Overrides } from '../../src/app.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createClient, type Client } from './client.ts'
import { createMigratedDatabase, createTestDatabase, type TestDatabase } from './database.ts'
import { testAppSecret } from './secret.ts'
import { passwordCost, sharedHasher, sharedSchema } from './shared-parts.ts'

export interface TestServer extends Omit<App, 'log'> {
  /** A client of this server without any token. */
  readonly client: Client
  /** The log so far, as text: one JSON object a line. */
  readonly logText: () => string
  readonly database: TestDatabase
  /** The server's time, in milliseconds since the epoch. */
  readonly now: () => number
  /** Moves the clock of this server and its siblings forward, or back. */
  advance(seconds: number): void
  /**
   * Another server on the same database and clock, closed with the test.
   * @param aheadSeconds what its clock is ahead of this one's
   */
  sibling(env?: Environment, aheadSeconds?: number): Promise<TestServer>
}

export type Environment = Readonly<Record<string, string>>

export { testAppSecret }

const defaults: Environment = {
  PORT: '0',
  APP_SECRET: testAppSecret,
  LOG_LEVEL: 'debug',
  // Tests make more accounts from one address than a user does; those about limits turn it on.
  THROTTLE: 'off',
}

/**
 * Stops the time of a file's tests, for those that look at seconds: only `advance` moves the servers'
 * clocks. Timers continue. Not for a file that waits by `eventually`: with a stopped time, Vitest moves it on.
 */
export function stopTime(): void {
  beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterAll(() => void vi.useRealTimers())
}

/**
 * Starts a server, closed when the test ends; outside a test, close it yourself.
 * @param env next to the defaults above
 */
export async function startServer(
  env: Environment = {},
  overrides: Pick<
    Overrides,
    | 'fetch'
    | 'passwordCost'
    | 'providerTimeoutMilliseconds'
    | 'refusalsPerSecond'
    | 'requestTimeoutMilliseconds'
    | 'schema'
  > = {},
): Promise<TestServer> {
  // The secret of a server without APP_SECRET is made with its database.
  const database = await (env['APP_SECRET'] === ''
    ? createTestDatabase()
    : createMigratedDatabase())
  let offset = 0
  const clock = () => Date.now() + offset
  const closers: (() => Promise<void>)[] = []

  const start = async (extra: Environment = {}, aheadSeconds = 0): Promise<TestServer> => {
    const ownClock = () => clock() + aheadSeconds * 1000
    const lines: string[] = []
    const app = await createApp(
      loadSettings({ ...defaults, DATABASE_URL: database.url, ...env, ...extra }),
      {
        clock: ownClock,
        passwordCost,
        schema: sharedSchema(),
        ...(closers.length === 0 && { hasher: sharedHasher({ ...env, ...overrides }) }),
        // Tables of hostile inputs are refused one after another.
        refusalsPerSecond: { network: Infinity, all: Infinity },
        ...overrides,
        logDestination: { write: (line) => void lines.push(line) },
      },
    )
    closers.push(() => app.close())
    return {
      url: app.url,
      metricsUrl: app.metricsUrl,
      readMetrics: () => app.readMetrics(),
      maintain: () => app.maintain(),
      reloadCertificate: () => app.reloadCertificate(),
      client: createClient(app.url),
      logText: () => lines.join(''),
      database,
      now: ownClock,
      advance: (seconds) => void (offset += seconds * 1000),
      sibling: start,
      close,
    }
  }
  let closing: Promise<void> | undefined
  const close = () =>
    (closing ??= (async () => {
      for (const closer of closers.toReversed()) await closer()
      await database.remove()
    })())
  const server = await start()
  try {
    onTestFinished(close)
  } catch {
    // Started in a hook, for a whole file: the hook's counterpart closes it.
  }
  return server
}
