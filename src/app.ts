/** The composition root: builds what lives as long as the server, wires it and listens. */
// Before the first class that type-graphql decorates.
import 'reflect-metadata'
import { lookup } from 'node:dns/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { AddressInfo } from 'node:net'
import type { GraphQLSchema } from 'graphql'
import { EventIds } from './core/audit/event-id.ts'
import type { Config } from './config/config.ts'
import { isLoopback } from './config/addresses.ts'
import { createContext, type Context, type Services } from './context.ts'
import { openDatabase } from './database/database.ts'
import { contextError } from './graphql/format-error.ts'
import { createGraphqlServer } from './graphql/server.ts'
import { Viewers } from './core/sessions/viewer.ts'
import { readAccountPage } from './features/account-page/account-page-files.ts'
import type { HttpRequest } from './http/http-request.ts'
import { createLogger, type Logger } from './logging/logger.ts'
import { listeningUrl } from './http/listening-url.ts'
import { createCookiePolicy } from './http/refresh-cookie.ts'
import { listenForMetrics } from './metrics/metrics-server.ts'
import { RefusalPace } from './http/refusal-pace.ts'
import { readSandboxPages } from './features/sandbox/sandbox-pages.ts'
import { ServerCertificate } from './http/server-certificate.ts'
import { createHttpServer } from './http/server.ts'
import { Metrics, type MetricsSnapshot } from './metrics/metrics.ts'
import { PasswordHasher } from './features/passwords/password-hasher.ts'
import { FlowStore } from './features/providers/flow-store.ts'
import { KeptTokens } from './features/providers/kept-tokens.ts'
import { acceptPostedResponse } from './features/providers/posted-response.ts'
import {
  createProviderClients,
  describeOtherIssuers,
} from './features/providers/provider-clients.ts'
import { createSchema } from './schema.ts'
import { sweepExpired } from './core/jobs/sweeping.ts'
import { networkBlock } from './core/throttle/address.ts'
import { Throttle } from './core/throttle/throttle.ts'
import { AccessTokens } from './core/tokens/access-token.ts'
import { jwksMaxAgeSeconds, KeyRing } from './core/tokens/key-ring.ts'
import { DerivedKeys } from './core/tokens/derived-keys.ts'
import { prepareUserRead } from './core/users/user-row.ts'

/** What a test, or another program, may put in place of the real thing. */
export interface Overrides {
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** Calls providers. */
  readonly fetch?: typeof fetch
  /** After which a provider counts as down. */
  readonly providerTimeoutMilliseconds?: number
  /** bcrypt's cost, below what the configuration allows. */
  readonly passwordCost?: number
  /** Instead of one of the server's own, and closed by whoever made it. */
  readonly hasher?: PasswordHasher | undefined
  /** In place of the server's own; `createSchema(MyResolver)` has both. */
  readonly schema?: GraphQLSchema
  /** How long a request may take to arrive, and to be answered. */
  readonly requestTimeoutMilliseconds?: number
  /** Refusals that are sent without a delay, a second; unlimited, none is delayed. */
  readonly refusalsPerSecond?: { readonly network: number; readonly all: number }
  /** Takes the log's lines instead of standard output. */
  readonly logDestination?: { write(line: string): void }
}

export interface App {
  /** Where the server listens, without a trailing slash. */
  readonly url: string
  /** Where the metrics are, without a trailing slash; absent where nobody asks for them, and in a worker. */
  readonly metricsUrl: string | undefined
  /** What this process has counted, for the primary of several; empty where nobody asks for metrics. */
  readMetrics(): Promise<MetricsSnapshot>
  readonly log: Logger
  /** Rotates keys that are due and removes what has expired; done every minute anyway. */
  maintain(): Promise<void>
  /** Takes the certificate that the files hold now; done every minute anyway. */
  reloadCertificate(): void
  /** Is not ready from now on, serves on for the configured while, then lets requests in flight end. */
  close(): Promise<void>
}

const maintenanceIntervalMilliseconds = 60_000
const requestTimeoutMilliseconds = 10_000
/** Of that time: the rest is for what follows, which should not come true after it was given up. */
const hashingShare = 0.8
/** Of that time: for as long a refusal may be held. */
const refusalShare = 0.3
/** The same from src/ and from dist/. */
const root = join(import.meta.dirname, '..')
/** Sandbox as a page of Apollo's, beside the one that is embedded at /graphql. */
const hostedSandboxOrigin = 'https://studio.apollographql.com'

/**
 * Opens and migrates the database, builds everything and listens.
 * @throws ServerCertificateError, DatabaseStartError, KeyRingLockedError, BrandLogoError, or Node's error where the port
 * is taken
 */
export async function createApp(
  config: Config & { readonly appSecret: string },
  overrides: Overrides = {},
): Promise<App> {
  const clock = overrides.clock ?? Date.now
  const log = createLogger(config.logLevel, overrides.logDestination)
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    const failures: unknown[] = []
    for (const closer of closers.toReversed()) {
      // One that fails leaves the others their turn.
      await closer().catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0)
      throw failures.length === 1 ? failures[0] : new AggregateError(failures)
  }
  try {
    const certificate = config.tls && new ServerCertificate(config.tls, log)
    const database = await openDatabase(config.database, (message) => log.warn(message))
    closers.push(() => database.close())
    // After the server has closed: what is under way in the background still needs the database.
    let maintaining: Promise<void> | undefined
    closers.push(async () => void (await Promise.allSettled([maintaining])))
    await database.migrate()

    const derivedKeys = new DerivedKeys(config.appSecret)
    const keyRing = new KeyRing({
      database,
      derivedKeys,
      clock,
      algorithm: config.tokens.algorithm,
      rotationSeconds: config.tokens.keyRotationSeconds,
    })
    await keyRing.start()
    const accessTokens = new AccessTokens({ keyRing, clock, ...config.tokens })
    const throttle = new Throttle({ database, clock, isEnabled: config.throttle })
    const requestTimeout = overrides.requestTimeoutMilliseconds ?? requestTimeoutMilliseconds
    const metrics: Metrics | undefined =
      config.metrics &&
      new Metrics({
        hashQueueDepth: () => hasher.queueDepth,
        databaseConnections: database.countConnections,
      })
    const hasher: PasswordHasher =
      overrides.hasher ??
      new PasswordHasher({
        cost: overrides.passwordCost ?? config.bcryptCost,
        processes: config.workers,
        longestTurnMilliseconds: hashingShare * requestTimeout,
        onWaited: metrics?.observeHashWait,
      })
    if (!overrides.hasher) closers.push(() => hasher.close())
    const flows = new FlowStore({ database, clock })
    const providers = createProviderClients(config.providers, {
      fetch: overrides.fetch ?? fetch,
      clock,
      timeoutMilliseconds: overrides.providerTimeoutMilliseconds,
    })
    for (const warning of await describeOtherIssuers(database, providers)) log.warn(warning)
    const services: Services = {
      config,
      clock,
      database,
      derivedKeys,
      accessTokens,
      viewers: new Viewers({ accessTokens, database, clock }),
      readUser: prepareUserRead(database),
      throttle,
      hasher,
      metrics,
      eventIds: new EventIds(),
      providers: {
        clients: providers,
        flows,
        keptTokens: new KeptTokens({ database, encryption: derivedKeys, clock }),
        redirectUris: config.accountPage
          ? [...config.redirectUris, `${config.publicUrl}/callback`]
          : config.redirectUris,
        formPostUri: (provider) => `${config.publicUrl}/providers/${provider}/callback`,
      },
    }

    const sandbox = config.sandbox ? readSandboxPages(root) : undefined
    if (config.sandbox && !sandbox) log.warn('The Sandbox is not there: `npm run build` makes it')
    const apollo = createGraphqlServer<Context>({
      schema: overrides.schema ?? createSchema(),
      log,
      introspection: config.introspection,
      landingPage: sandbox?.sandbox,
      onAnswered: metrics?.observeOperation,
    })
    await apollo.start()
    closers.push(() => apollo.stop())

    let isStopping = false
    const isHttps = config.publicUrl.startsWith('https:')
    const isPlainLoopback = !isHttps && isLoopback(new URL(config.publicUrl).hostname)
    const sandboxOrigins = config.sandbox && isPlainLoopback ? [hostedSandboxOrigin] : []
    const accountPage = config.accountPage
      ? readAccountPage(join(root, 'dist', 'web'), config)
      : undefined
    if (config.accountPage && !accountPage) {
      log.warn('The account page is not there: `npm run build` makes it')
    }
    // Of several workers none could speak for all: their primary listens, and asks them.
    const metricsServer =
      config.metrics && metrics && config.workers === 1
        ? await listenForMetrics(metrics, config.metrics)
        : undefined
    closers.push(async () => {
      metricsServer?.close()
      metrics?.close()
    })
    const refusalPace = new RefusalPace({
      longestMilliseconds: refusalShare * requestTimeout,
      networkOf: networkBlock,
      perSecond: overrides.refusalsPerSecond,
    })
    const http = await createHttpServer({
      apollo,
      refusalPace,
      createContext: (request) => createContextOrMask(services, request),
      jwks: () => keyRing.jwks(),
      jwksMaxAgeSeconds,
      findRedirectUri: (posted) => acceptPostedResponse(providers, flows, posted),
      sandbox,
      isReady: async () => !isStopping && (await database.isReady()),
      isStopping: () => isStopping,
      onAnswered: metrics?.observeRequest,
      log,
      accountPage: accountPage && { files: accountPage, publicUrl: config.publicUrl, isLoopback },
      cookiePolicy: createCookiePolicy({
        isSecure: !isPlainLoopback,
        publicUrl: config.publicUrl,
        issuer: config.tokens.issuer,
        allowedOrigins: config.allowedOrigins,
      }),
      allowedOrigins: [...config.allowedOrigins, ...sandboxOrigins],
      trustProxy: config.trustProxy,
      clock,
      isHttps,
      certificate,
      requestTimeoutMilliseconds: requestTimeout,
      keepAliveMilliseconds: config.keepAliveSeconds * 1000,
    })
    closers.push(() => http.close())
    // For this name Fastify would listen a second time, on a server that it does not wait for at a stop.
    const { address: host } =
      config.host === 'localhost'
        ? await lookup(config.host, { order: 'ipv4first' })
        : { address: config.host }
    await http.listen({ host, port: config.port })

    const maintainOnce = async () => {
      certificate?.reload()
      await keyRing.maintain()
      await sweepExpired({
        database,
        clock,
        throttle,
        flows,
        auditRetentionSeconds: config.auditRetentionSeconds,
        isStopping: () => isStopping,
      })
    }
    const maintain = () => (maintaining ??= maintainOnce().finally(() => (maintaining = undefined)))
    const timer = setInterval(() => {
      maintain().catch((error: unknown) => log.error({ err: error }, 'Maintenance failed'))
    }, maintenanceIntervalMilliseconds)
    timer.unref()
    closers.push(async () => {
      isStopping = true
      clearInterval(timer)
      await wait(config.shutdownDelaySeconds * 1000)
    })

    return {
      url: listeningUrl(http.server.address() as AddressInfo, config.tls !== undefined),
      metricsUrl: metricsServer?.url,
      readMetrics: async () => (await metrics?.snapshot()) ?? [],
      log,
      maintain,
      reloadCertificate: () => certificate?.reload(),
      close,
    }
  } catch (error) {
    await close().catch((failure: unknown) => log.error({ err: failure }, 'The end has failed'))
    throw error
  }
}

/** A plain error from here would reach the client with its message. */
async function createContextOrMask(services: Services, request: HttpRequest): Promise<Context> {
  try {
    return await createContext(services, request)
  } catch (error) {
    request.log.error({ err: error }, 'The request could not be authenticated')
    throw contextError(error, request.id)
  }
}
