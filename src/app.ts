/** The composition root: creates what lives as long as the server, starts the features and listens. */
import { lookup } from 'node:dns/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { AddressInfo } from 'node:net'
import type { ApolloServer } from '@apollo/server'
import { Closers } from './closers.ts'
import { isLoopback } from './config/addresses.ts'
import type { Config } from './config/config.ts'
import { createContext, type Context, type Server } from './context.ts'
import { EventIds } from './core/audit/event-id.ts'
import { auditSweeps } from './core/audit/retention.ts'
import { errorCodes } from './core/errors.ts'
import { Maintenance } from './core/jobs/maintenance.ts'
import { sweepExpired, untilNone, type Sweep } from './core/jobs/sweeping.ts'
import { sweepSessions } from './core/sessions/sweep.ts'
import { Viewers } from './core/sessions/viewer.ts'
import { networkBlock } from './core/throttle/address.ts'
import { Throttle } from './core/throttle/throttle.ts'
import { AccessTokens } from './core/tokens/access-token.ts'
import { jwksMaxAgeSeconds, KeyRing } from './core/tokens/key-ring.ts'
import { DerivedKeys } from './core/tokens/derived-keys.ts'
import { prepareUserRead } from './core/users/user-row.ts'
import { openDatabase, type Database } from './database/database.ts'
import {
  databaseOptionsOf,
  errorCodesOf,
  type Feature,
  type LandingPage,
  type StartedFeature,
} from './feature.ts'
import { features as ours } from './features.ts'
import { contextError } from './graphql/format-error.ts'
import { createGraphqlServer } from './graphql/server.ts'
import type { HttpRequest } from './http/http-request.ts'
import { listeningUrl } from './http/listening-url.ts'
import { createCookiePolicy } from './http/refresh-cookie.ts'
import { RefusalPace } from './http/refusal-pace.ts'
import { ServerCertificate } from './http/server-certificate.ts'
import { createHttpServer } from './http/server.ts'
import { createLogger, type Logger } from './logging/logger.ts'
import { listenForMetrics } from './metrics/metrics-server.ts'
import { Metrics, type MetricsSnapshot } from './metrics/metrics.ts'
import type { Overrides } from './overrides.ts'
import { createSchema } from './schema.ts'

export type { Overrides }

export interface App {
  /** Where the server listens, without a trailing slash. */
  readonly url: string
  /** Where the metrics are, without a trailing slash; undefined if none are configured, and in a worker. */
  readonly metricsUrl: string | undefined
  /** What this process has counted, for the primary of several; empty if no metrics are configured. */
  readMetrics(): Promise<MetricsSnapshot>
  readonly log: Logger
  /** Rotates keys that are due and removes what has expired; runs every minute anyway. */
  maintain(): Promise<void>
  /** Loads the certificate that the files hold now; runs every minute anyway. */
  reloadCertificate(): void
  /** Reports that it is not ready, serves on for the configured delay, then lets requests in flight end. */
  close(): Promise<void>
}

type Settings = Config & {
  readonly appSecret: string
  readonly unusedSecretFile?: string | undefined
}

const requestTimeoutMilliseconds = 10_000
/** Share of the request timeout for which a refusal may be held. */
const refusalShare = 0.3
/** The same from src/ and from dist/. */
const root = join(import.meta.dirname, '..')

/**
 * Opens and migrates the database, starts the features and listens.
 * @throws ServerCertificateError, DatabaseStartError, KeyRingLockedError, BrandLogoError, or Node's error if the port
 * is taken
 */
export async function createApp(config: Settings, overrides: Overrides = {}): Promise<App> {
  const features = overrides.features ?? ours
  const log = createLogger(config.logLevel, overrides.logDestination)
  const closers = new Closers()
  try {
    const certificate = config.tls && new ServerCertificate(config.tls, log)
    const database = await openDatabase(config.database, databaseOptionsOf(features), (message) =>
      log.warn(message),
    )
    closers.add('database', () => database.close())
    const maintenance = new Maintenance((error) => log.error({ err: error }, 'Maintenance failed'))
    // After the last request: what runs in the background still needs the database.
    closers.add('maintenance', () => maintenance.settled())
    await database.migrate()

    const clock = overrides.clock ?? Date.now
    const derivedKeys = new DerivedKeys(config.appSecret)
    const keyRing = new KeyRing({
      database,
      derivedKeys,
      clock,
      algorithm: config.tokens.algorithm,
      rotationSeconds: config.tokens.keyRotationSeconds,
      unusedSecretFile: config.unusedSecretFile,
    })
    await keyRing.start()
    const server = createServer({ config, overrides, log, database, keyRing, derivedKeys, clock })
    const started = await startFeatures(features, server, closers)

    let isStopping = false
    const http = await startHttp({
      server,
      features,
      started,
      keyRing,
      certificate,
      closers,
      isStopping: () => isStopping,
    })
    // The audit trail last: its sweeps can take long, and a stop skips what has not run.
    const sweeps = [
      ...coreSweeps(server),
      ...started.flatMap((feature) => feature.sweeps ?? []),
      ...auditSweeps(() => ({
        database,
        now: server.clock(),
        retentionSeconds: config.auditRetentionSeconds,
      })),
    ]
    maintenance.start(async () => {
      certificate?.reload()
      await keyRing.maintain()
      await sweepExpired(sweeps, { database, clock: server.clock, isStopping: () => isStopping })
    })
    closers.add('accepting requests', async () => {
      isStopping = true
      maintenance.stop()
      await wait(config.shutdownDelaySeconds * 1000)
    })
    return {
      ...http,
      readMetrics: async () => (await server.metrics?.snapshot()) ?? [],
      log,
      maintain: () => maintenance.run(),
      reloadCertificate: () => certificate?.reload(),
      close: () => closers.close(),
    }
  } catch (error) {
    await closers
      .close()
      .catch((failure: unknown) => log.error({ err: failure }, 'Shutdown failed'))
    throw error
  }
}

interface ServerParts {
  readonly config: Settings
  readonly overrides: Overrides
  readonly log: Logger
  readonly database: Database
  readonly keyRing: KeyRing
  readonly derivedKeys: DerivedKeys
  readonly clock: () => number
}

function createServer(parts: ServerParts) {
  const { clock, config, database, keyRing, overrides } = parts
  const accessTokens = new AccessTokens({ keyRing, clock, ...config.tokens })
  const metrics = config.metrics && new Metrics({ databaseConnections: database.countConnections })
  return {
    config,
    overrides,
    root,
    clock,
    fetch: overrides.fetch ?? fetch,
    log: parts.log,
    requestTimeoutMilliseconds: overrides.requestTimeoutMilliseconds ?? requestTimeoutMilliseconds,
    database,
    derivedKeys: parts.derivedKeys,
    accessTokens,
    viewers: new Viewers({ accessTokens, database, clock }),
    readUser: prepareUserRead(database),
    throttle: new Throttle({ database, clock, isEnabled: config.throttle }),
    metrics,
    eventIds: new EventIds(),
    features: [] as StartedFeature[],
  }
}

async function startFeatures(
  features: readonly Feature[],
  server: Server & { readonly features: StartedFeature[] },
  closers: Closers,
): Promise<readonly StartedFeature[]> {
  for (const feature of features) {
    const started = (await feature.start?.(server)) ?? {}
    server.features.push(started)
    if (started.close) closers.add(feature.name, () => started.close!())
  }
  return server.features
}

interface HttpParts {
  readonly server: Server
  readonly features: readonly Feature[]
  readonly started: readonly StartedFeature[]
  readonly keyRing: KeyRing
  readonly certificate: ServerCertificate | undefined
  readonly closers: Closers
  readonly isStopping: () => boolean
}

async function startHttp(parts: HttpParts): Promise<Pick<App, 'url' | 'metricsUrl'>> {
  const { certificate, closers, features, isStopping, keyRing, server, started } = parts
  const { config, database, metrics } = server
  const landingPage = started.find((feature) => feature.landingPage)?.landingPage
  const apollo = await startApollo(server, features, landingPage)
  closers.add('GraphQL', () => apollo.stop())
  // With several workers, none can speak for all: their primary listens, and asks them.
  const metricsServer =
    config.metrics && metrics && config.workers === 1
      ? await listenForMetrics(metrics, config.metrics)
      : undefined
  closers.add('metrics', async () => {
    metricsServer?.close()
    metrics?.close()
  })
  const isHttps = config.publicUrl.startsWith('https:')
  const isPlainLoopback = !isHttps && isLoopback(new URL(config.publicUrl).hostname)
  const http = await createHttpServer({
    apollo,
    refusalPace: new RefusalPace({
      longestMilliseconds: refusalShare * server.requestTimeoutMilliseconds,
      networkOf: networkBlock,
      perSecond: server.overrides.refusalsPerSecond,
    }),
    createContext: (request) => createContextOrMask(server, request),
    jwks: () => keyRing.jwks(),
    jwksMaxAgeSeconds,
    landingPageHeaders: landingPage?.headers,
    routes: started.flatMap(({ routes }) => routes ?? []),
    isReady: async () => !isStopping() && (await database.isReady()),
    isStopping,
    onAnswered: metrics?.observeRequest,
    log: server.log,
    cookiePolicy: createCookiePolicy({
      isSecure: !isPlainLoopback,
      publicUrl: config.publicUrl,
      issuer: config.tokens.issuer,
      allowedOrigins: config.allowedOrigins,
    }),
    allowedOrigins: [
      ...config.allowedOrigins,
      ...started.flatMap((feature) => feature.allowedOrigins ?? []),
    ],
    trustProxy: config.trustProxy,
    clock: server.clock,
    isHttps,
    certificate,
    requestTimeoutMilliseconds: server.requestTimeoutMilliseconds,
    keepAliveMilliseconds: config.keepAliveSeconds * 1000,
  })
  closers.add('HTTP', () => http.close())
  await http.listen({ host: await hostOf(config.host), port: config.port })
  return {
    url: listeningUrl(http.server.address() as AddressInfo, config.tls !== undefined),
    metricsUrl: metricsServer?.url,
  }
}

async function startApollo(
  { config, log, metrics, overrides }: Server,
  features: readonly Feature[],
  landingPage: LandingPage | undefined,
): Promise<ApolloServer<Context>> {
  const apollo = createGraphqlServer<Context>({
    schema: overrides.schema ?? createSchema(features),
    errorCodes: { ...errorCodes, ...errorCodesOf(features) },
    log,
    introspection: config.introspection,
    landingPage: landingPage?.html,
    onAnswered: metrics?.observeOperation,
  })
  await apollo.start()
  return apollo
}

/** For the name `localhost` Fastify would listen on a second server, which it does not wait for when it stops. */
async function hostOf(host: string): Promise<string> {
  return host === 'localhost' ? (await lookup(host, { order: 'ipv4first' })).address : host
}

function coreSweeps({ clock, database, throttle }: Server): Sweep[] {
  return [
    untilNone((limit) => sweepSessions(database, clock(), limit)),
    untilNone((limit) => throttle.sweep(limit)),
  ]
}

/** A plain error from here would reach the client with its message. */
async function createContextOrMask(server: Server, request: HttpRequest): Promise<Context> {
  try {
    return await createContext(server, request)
  } catch (error) {
    request.log.error({ err: error }, 'The request could not be authenticated')
    throw contextError(error, request.id)
  }
}
