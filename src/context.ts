/** What a request can reach: built once for each, most of it only when a resolver asks. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { AuditTrail } from './core/audit/audit-trail.ts'
import type { EventIds } from './core/audit/event-id.ts'
import { EventService } from './features/events/event.service.ts'
import type { Config } from './config/config.ts'
import type { Database } from './database/database.ts'
import type { PreparedRead } from './database/driver.ts'
import { requireAuthenticated } from './graphql/auth-checker.ts'
import { recentProofSeconds, requireFresh } from './graphql/freshness.ts'
import type { Authenticated, Viewer, Viewers } from './core/sessions/viewer.ts'
import type { HttpRequest } from './http/http-request.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { PasswordHasher } from './features/passwords/password-hasher.ts'
import { PasswordService } from './features/passwords/password.service.ts'
import { waysIn } from './features/providers/identities.ts'
import { ProviderService, type Providers } from './features/providers/provider.service.ts'
import { SessionService } from './core/sessions/session.service.ts'
import type { SessionReference } from './core/sessions/authentication.ts'
import type { Throttle } from './core/throttle/throttle.ts'
import type { AccessTokens } from './core/tokens/access-token.ts'
import type { DerivedKeys } from './core/tokens/derived-keys.ts'
import type { UserRow } from './core/users/user-row.ts'

/** What lives as long as the server and every request shares. */
export interface Services {
  readonly config: Config
  readonly clock: () => number
  readonly database: Database
  readonly derivedKeys: DerivedKeys
  readonly accessTokens: AccessTokens
  readonly viewers: Viewers
  readonly readUser: PreparedRead<UserRow>
  readonly throttle: Throttle
  readonly hasher: PasswordHasher
  readonly providers: Providers
  readonly eventIds: EventIds
  /** Absent where nobody asks for them. */
  readonly metrics: Metrics | undefined
}

/**
 * The GraphQL context. Resolvers take what they need from here.
 *
 * Apollo Server copies it shallowly before use: state lives in the objects that it refers to, or
 * behind a getter.
 */
export class Context {
  readonly requestId: string
  /** Who is asking, whether or not the bearer token was good. */
  readonly viewer: Viewer
  readonly services: Services
  readonly request: HttpRequest
  private lazyEm: SqlEntityManager | undefined
  private lazyAudit: AuditTrail | undefined
  private lazySessions: SessionService | undefined
  private lazyWaysIn: Promise<string[]> | undefined

  constructor(services: Services, request: HttpRequest, viewer: Viewer) {
    this.services = services
    this.request = request
    this.requestId = request.id
    this.viewer = viewer
  }

  /** This request's own entity manager. */
  get em(): SqlEntityManager {
    return (this.lazyEm ??= this.services.database.em.fork())
  }

  get audit(): AuditTrail {
    const { clock, eventIds, metrics } = this.services
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

  get events(): EventService {
    return new EventService(this.em, this.services.database.readStale)
  }

  get sessions(): SessionService {
    const { accessTokens, clock, config, readUser, derivedKeys } = this.services
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
      onRefresh: this.services.metrics?.countRefresh,
    }))
  }

  get passwords(): PasswordService {
    const { clock, config, hasher, throttle } = this.services
    return new PasswordService({
      em: this.em,
      hasher,
      throttle,
      sessions: this.sessions,
      audit: this.audit,
      clock,
      origin: this.request.origin,
      isRegistrationOpen: config.registration === 'open',
      requireRecentProof: () => this.requireFresh(recentProofSeconds),
      hasOtherWayIn: async () => (await this.waysIn()).some((way) => way !== 'password'),
      onCorruptHash: (userId) =>
        this.request.log.error({ userId }, 'The stored password hash is corrupt'),
    })
  }

  get providers(): ProviderService {
    const { clock, config, providers, throttle } = this.services
    return new ProviderService({
      ...providers,
      em: this.em,
      throttle,
      sessions: this.sessions,
      audit: this.audit,
      clock,
      origin: this.request.origin,
      isRegistrationOpen: config.registration === 'open',
      onFailure: (provider, failure) =>
        this.request.log.warn({ provider, err: failure }, 'The provider failed'),
    })
  }

  /**
   * The signed-in person and their session.
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
   * Makes sure that the user has proved recently who they are; `@Fresh` asks it before its field.
   * @throws AppError UNAUTHENTICATED, REAUTHENTICATION_REQUIRED with the ways to prove it again
   */
  async requireFresh(maxAgeSeconds: number): Promise<void> {
    const viewer = this.authenticated()
    await requireFresh(viewer, maxAgeSeconds, this.services.clock(), () => this.waysIn())
  }

  /** How the signed-in user can prove who they are: read once for all of the fields that are refused. */
  private waysIn(): Promise<string[]> {
    const { clock, providers } = this.services
    return (this.lazyWaysIn ??= waysIn(
      this.em,
      this.authenticated().user,
      providers.clients,
      clock(),
    ))
  }

  /** The session that the bearer token names, also where the token has expired. */
  bearerSession(): SessionReference | undefined {
    const { viewer } = this
    return viewer.isAuthenticated
      ? { userId: viewer.user.id, sessionId: viewer.sessionId }
      : viewer.expired
  }
}

/** Verifies the bearer token and opens the request's context. */
export async function createContext(services: Services, request: HttpRequest): Promise<Context> {
  return new Context(services, request, await services.viewers.identify(request.authorization))
}
