/** What a request can reach: created once for each request, most of it only when a resolver asks for it. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import type { Config } from './config/config.ts'
import { AuditTrail } from './core/audit/audit-trail.ts'
import type { EventIds } from './core/audit/event-id.ts'
import type { SessionReference } from './core/sessions/authentication.ts'
import { SessionService } from './core/sessions/session.service.ts'
import type { Authenticated, Viewer, Viewers } from './core/sessions/viewer.ts'
import type { Throttle } from './core/throttle/throttle.ts'
import type { AccessTokens } from './core/tokens/access-token.ts'
import type { DerivedKeys } from './core/tokens/derived-keys.ts'
import type { UserRow } from './core/users/user-row.ts'
import type { Database } from './database/database.ts'
import type { PreparedRead } from './database/driver.ts'
import type { SignInUser, StartedFeature } from './feature.ts'
import { requireAuthenticated } from './graphql/auth-checker.ts'
import { requireFresh } from './graphql/freshness.ts'
import type { HttpRequest } from './http/http-request.ts'
import type { Logger } from './logging/logger.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { Overrides } from './overrides.ts'

/** What lives as long as the server and is shared by all requests. Features add parts of their own (`serverPart`). */
export interface Server {
  readonly config: Config
  readonly overrides: Overrides
  /** The folder of dist/ and schema/. */
  readonly root: string
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly fetch: typeof fetch
  readonly log: Logger
  readonly requestTimeoutMilliseconds: number
  readonly database: Database
  readonly derivedKeys: DerivedKeys
  readonly accessTokens: AccessTokens
  readonly viewers: Viewers
  readonly readUser: PreparedRead<UserRow>
  readonly throttle: Throttle
  readonly eventIds: EventIds
  /** Undefined if no metrics are configured. */
  readonly metrics: Metrics | undefined
  /** In the order of `features.ts`. */
  readonly features: readonly StartedFeature[]
}

/**
 * The GraphQL context. Resolvers take what they need from here; a feature reaches its own service by a
 * function of its own (`requestService`).
 *
 * Apollo Server copies it shallowly before use: state lives in the objects that it refers to, or
 * behind a getter.
 */
export class Context {
  readonly requestId: string
  /** The signed-in user, or why there is none. */
  readonly viewer: Viewer
  readonly server: Server
  readonly request: HttpRequest
  private lazyEm: SqlEntityManager | undefined
  private lazyAudit: AuditTrail | undefined
  private lazySessions: SessionService | undefined
  private lazySignInMethods: Promise<string[]> | undefined

  constructor(server: Server, request: HttpRequest, viewer: Viewer) {
    this.server = server
    this.request = request
    this.requestId = request.id
    this.viewer = viewer
  }

  /** This request's own entity manager. */
  get em(): SqlEntityManager {
    return (this.lazyEm ??= this.server.database.em.fork())
  }

  get audit(): AuditTrail {
    const { clock, eventIds, metrics } = this.server
    return (this.lazyAudit ??= new AuditTrail({
      clock,
      ids: eventIds,
      origin: { ...this.request.origin, requestId: this.requestId },
      onRecorded: (event) => {
        metrics?.countEvent(event)
        this.request.log.info({ event }, 'audit')
      },
    }))
  }

  get sessions(): SessionService {
    const { accessTokens, clock, config, derivedKeys, metrics, readUser } = this.server
    return (this.lazySessions ??= new SessionService({
      em: this.em,
      readUser,
      accessTokens,
      derivedKeys,
      policy: config.sessions,
      clock,
      origin: this.request.origin,
      cookie: this.request.refreshCookie,
      audit: this.audit,
      onRefresh: metrics?.countRefresh,
    }))
  }

  /**
   * The signed-in user and their session.
   * @throws AppError UNAUTHENTICATED with the reason
   */
  authenticated(): Authenticated {
    return requireAuthenticated(this.viewer)
  }

  /** @throws AppError as `authenticated` does */
  sessionReference(): SessionReference {
    const { sessionId, user } = this.authenticated()
    return { sessionId, userId: user.id }
  }

  /**
   * Makes sure that the user has proved their identity recently; `@Fresh` calls it before its field.
   * @throws AppError UNAUTHENTICATED, REAUTHENTICATION_REQUIRED with the ways to prove it again
   */
  async requireFresh(maxAgeSeconds: number): Promise<void> {
    const viewer = this.authenticated()
    await requireFresh(viewer, maxAgeSeconds, this.server.clock(), () => this.signInMethods())
  }

  /**
   * How the signed-in user can sign in: `password`, and ids of providers. Read once for all of the fields
   * that ask.
   * @throws AppError as `authenticated` does
   */
  signInMethods(): Promise<string[]> {
    return (this.lazySignInMethods ??= this.signInMethodsOf(this.authenticated().user))
  }

  /** How a user can sign in, by all features. */
  async signInMethodsOf(user: SignInUser): Promise<string[]> {
    const methods: string[] = []
    for (const feature of this.server.features) {
      methods.push(...((await feature.signInMethods?.(this, user)) ?? []))
    }
    return methods
  }

  /** The session that the bearer token names, even if the token has expired. */
  bearerSession(): SessionReference | undefined {
    const { viewer } = this
    return viewer.isAuthenticated
      ? { userId: viewer.user.id, sessionId: viewer.sessionId }
      : viewer.expired
  }
}

/** Verifies the bearer token and opens the request's context. */
export async function createContext(server: Server, request: HttpRequest): Promise<Context> {
  return new Context(server, request, await server.viewers.identify(request.authorization))
}
