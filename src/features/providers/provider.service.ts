/** Signing in with a provider, and linking its accounts to a user's own. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql, type Kysely } from 'kysely'
import type { AuditTrail } from '../../core/audit/audit-trail.ts'
import { EventActor, EventReason, EventKind } from '../../core/audit/event.ts'
import { AppError, ErrorCode, badUserInput } from '../../core/errors.ts'
import { requireAdmitted } from '../../core/sessions/admission.ts'
import { lockLiveSession, refusalOf } from '../../core/sessions/live-session.ts'
import type { SessionService } from '../../core/sessions/session.service.ts'
import type {
  AuthenticationMethod,
  RequestOrigin,
  SessionReference,
} from '../../core/sessions/authentication.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import type { TokenTransport } from '../../core/sessions/token-transport.ts'
import { addressBlock, networkBlock } from '../../core/throttle/address.ts'
import type { Charge, Throttle } from '../../core/throttle/throttle.ts'
import { Identity } from '../../core/users/identity.entity.ts'
import { lockUser } from '../../core/users/lock-user.ts'
import { isPasswordUsable, storedPasswordOf } from '../../core/users/usable-password.ts'
import { User } from '../../core/users/user.entity.ts'
import type { SignInUser } from '../../feature.ts'
import { AccountLinking } from './account-linking.ts'
import { FlowPurpose, type Flow, type FlowStore } from './flow-store.ts'
import { emailOf, findIdentity, usableProvidersOf } from './identities.ts'
import type { KeptTokens } from './kept-tokens.ts'
import type { Exchange, ProviderClient } from './provider-client.ts'
import { ProviderErrorCode } from './provider-error-codes.ts'
import { OtherIssuerFailure, ProviderFailure } from './provider-failure.ts'
import { isAllowedRedirectUri } from './redirect-uri.ts'
import type { ProviderFlowType, ProviderTokenType } from './provider.type.ts'

/** What lives as long as the server. */
export interface Providers {
  readonly clients: ReadonlyMap<string, ProviderClient>
  readonly flows: FlowStore
  readonly keptTokens: KeptTokens
  /** The exact URIs to which a provider's response may go. */
  readonly redirectUris: readonly string[]
  /** Where the server takes responses that a provider posts. */
  readonly formPostUri: (provider: string) => string
}

export interface ProviderServiceOptions extends Providers {
  readonly em: SqlEntityManager
  readonly throttle: Throttle
  readonly sessions: SessionService
  readonly audit: AuditTrail
  readonly clock: () => number
  readonly origin: RequestOrigin
  readonly isRegistrationOpen: boolean
  /** How a user can sign in, by all features. */
  readonly signInMethodsOf: (user: SignInUser) => Promise<string[]>
  /** What a provider did wrong, for the log. */
  readonly onFailure: (provider: string, failure: ProviderFailure) => void
}

/** What the user brings back from the provider. */
export interface ProviderAnswer {
  readonly provider: string
  readonly code: string
  readonly state: string
  readonly flowToken: string
  readonly iss: string | undefined
}

/** Flows an hour from one address before delays start. */
const flowsPerAddress = 1000
/** The same for all addresses of a network. */
const flowsPerNetwork = 5000
/** Proofs an hour in one session before delays start, so that refused ones cannot fill the trail. */
const proofsPerSession = 10
const providerIdShape = /^[a-z0-9-]{1,64}$/

export class ProviderService {
  readonly #options: ProviderServiceOptions
  readonly #linking: AccountLinking

  constructor(options: ProviderServiceOptions) {
    this.#options = options
    this.#linking = new AccountLinking(options)
  }

  /**
   * Starts a flow: where to send the user, and what only this client knows of it.
   * @param userId who is signed in: for linking, or to prove that it is still them
   * @throws AppError UNKNOWN_PROVIDER, also to prove it with one that is not linked; BAD_USER_INPUT,
   * RATE_LIMITED, PROVIDER_ERROR
   */
  async begin(
    providerId: string,
    redirectUri: string,
    userId: string | undefined,
    purpose: FlowPurpose,
  ): Promise<ProviderFlowType> {
    const { clients, em, flows, redirectUris } = this.#options
    const provider = this.#provider(providerId)
    const isReauthentication = purpose === FlowPurpose.REAUTHENTICATE
    if (isReauthentication) {
      const identities = await em.find(Identity, { user: userId!, provider: provider.id })
      if (usableProvidersOf(identities, clients).length === 0) throw unknownProvider(providerId)
    }
    if (!isAllowedRedirectUri(redirectUri, redirectUris)) {
      throw badUserInput('redirectUri', 'This redirect URI is not in the server’s REDIRECT_URIS.')
    }
    const charge = await this.#chargeFlow()
    const flow = flows.create(redirectUri, userId ?? null, purpose)
    const authorizationUrl = await this.#asking(provider, charge, () =>
      provider.authorizationUrl(
        this.#knownRedirectUri(provider, redirectUri),
        flow,
        isReauthentication,
      ),
    )
    if (!(await flows.keep(provider, flow, networkBlock(this.#options.origin.ip)))) {
      throw new AppError(
        ErrorCode.RATE_LIMITED,
        'Too many provider sign-ins are in progress. Try again later.',
        {
          retryAfter: 60,
        },
      )
    }
    return { authorizationUrl, flowToken: flow.flowToken, expiresAt: new Date(flow.expiresAt) }
  }

  /**
   * Signs in with the provider's response, making an account the first time.
   * @throws AppError UNKNOWN_PROVIDER, INVALID_FLOW, PROVIDER_ERROR, LINK_REQUIRED, FORBIDDEN if
   * registration is closed, UNAUTHENTICATED (ACCOUNT_DISABLED)
   */
  async login(answer: ProviderAnswer, transport: TokenTransport): Promise<AuthPayload> {
    const { sessions } = this.#options
    const refused = () =>
      this.#linking.recordFailure(answer.provider, null, EventReason.PROVIDER_ERROR)
    const { provider, exchange } = await this.#exchange(
      answer,
      FlowPurpose.SIGN_IN,
      () => true,
      refused,
    )
    let identity: Identity | undefined
    const admission = await sessions.admit(async () => {
      const linked = await this.#identifying(
        provider,
        () => this.#linking.resolve(provider, exchange),
        refused,
      )
      identity = linked.identity
      const { id: userId, credentialVersion } = linked.user
      return { userId, credentialVersion, ...byProvider(provider) }
    }, transport)
    const payload = requireAdmitted(admission)
    // Only after the sign-in: nothing of the provider is stored for a user who is not admitted.
    await this.#finish(provider, identity!, exchange)
    return payload
  }

  /**
   * Links the provider's account to the user who is signed in, and who was when the flow started.
   * @throws AppError UNKNOWN_PROVIDER, INVALID_FLOW, PROVIDER_ERROR, FORBIDDEN if the account is
   * another user's, UNAUTHENTICATED if the session has ended meanwhile
   */
  async link(answer: ProviderAnswer, session: SessionReference): Promise<void> {
    const { audit, em } = this.#options
    const { userId } = session
    const refused = (reason: EventReason) =>
      audit.record(em, {
        type: EventKind.PROVIDER_LINK_FAILED,
        userId,
        actor: EventActor.ACCOUNT,
        reason,
        method: answer.provider,
        sessionId: session.sessionId,
      })
    const { provider, exchange } = await this.#exchange(
      answer,
      FlowPurpose.SIGN_IN,
      (flow) => flow.userId === userId,
      () => refused(EventReason.PROVIDER_ERROR),
    )
    const identity = await this.#identifying(
      provider,
      () =>
        audit.transactional(em, (tx, record) =>
          this.#linking.link(tx, record, provider, exchange.profile, session),
        ),
      () => refused(EventReason.PROVIDER_ERROR),
    )
    if (identity.user.id !== userId) {
      await refused(EventReason.LINKED_TO_ANOTHER)
      throw new AppError(
        ErrorCode.FORBIDDEN,
        `This ${provider.name} account is linked to another account.`,
        { provider: provider.id },
      )
    }
    await this.#finish(provider, identity, exchange)
  }

  /**
   * Proves with a linked account of a provider that the user of the session is still there. It keeps
   * nothing of what the provider says.
   * @throws AppError UNKNOWN_PROVIDER, INVALID_FLOW, PROVIDER_ERROR, RATE_LIMITED, FORBIDDEN if another
   * account of the provider came back, UNAUTHENTICATED if the session has ended meanwhile
   */
  async reauthenticate(answer: ProviderAnswer, current: SessionReference): Promise<AuthPayload> {
    const { audit, em, sessions, throttle } = this.#options
    const { userId } = current
    const charge = await throttle.charge([
      // Not for the account: anyone who has a copy of a token must not keep the user from proving elsewhere.
      { name: 'proof', subject: current.sessionId, limit: proofsPerSession },
    ])
    let isRecorded = false
    const refused = (reason: EventReason) => {
      isRecorded = true
      const type = EventKind.REAUTHENTICATION_FAILED
      const by = { ...current, actor: EventActor.ACCOUNT }
      return audit.record(em, { type, ...by, reason, method: answer.provider })
    }
    try {
      const { provider, exchange } = await this.#exchange(
        answer,
        FlowPurpose.REAUTHENTICATE,
        (flow) => flow.userId === userId,
        () => refused(EventReason.PROVIDER_ERROR),
      )
      const linked = await this.#identifying(
        provider,
        () => findIdentity(em, provider, exchange.profile),
        () => refused(EventReason.PROVIDER_ERROR),
      )
      if (linked?.user.id !== userId) {
        await refused(EventReason.OTHER_IDENTITY)
        throw new AppError(
          ErrorCode.FORBIDDEN,
          `This is not the ${provider.name} account that is linked to yours. Choose that one.`,
          { provider: provider.id },
        )
      }
      const key = await sessions.signingKey()
      const renewed = await audit.transactional(em, async (tx, record) => {
        await this.#confirm(tx, linked.identity, current)
        return sessions.renewAfterProof(tx, record, current, {
          key,
          provenBy: byProvider(provider),
        })
      })
      return await sessions.issue(renewed)
    } finally {
      // What the trail does not keep was no one's failure.
      if (!isRecorded) await charge.refund()
    }
  }

  /**
   * Removes the provider's accounts from the user, and ends the sessions that they started.
   * @throws AppError UNKNOWN_PROVIDER if none is linked, LAST_CREDENTIAL, UNAUTHENTICATED if the session
   * has ended meanwhile
   */
  async unlink(providerId: string, { userId, sessionId }: SessionReference): Promise<void> {
    if (!providerIdShape.test(providerId)) throw unknownProvider(providerId)
    const { audit, em } = this.#options
    await audit.transactional(em, async (tx, record) => {
      const kysely = tx.getKysely() as Kysely<unknown>
      // Locks the user: of two removals at once, the second counts what the first has left. A session
      // that was ended meanwhile, as one that was stolen, removes nothing.
      await lockLiveSession(tx, { userId, sessionId }, this.#options.clock())
      await sql`update users set credential_version = credential_version + 1
        where id = ${userId}`.execute(kysely)
      const removed = await sql`delete from identities
        where user_id = ${userId} and provider = ${providerId}`.execute(kysely)
      if (removed.numAffectedRows === 0n) throw unknownProvider(providerId)
      const user = await tx.findOneOrFail(User, { id: userId }, { refresh: true })
      // Without an e-mail address there is nothing to enter next to the password.
      const isPasswordEnough =
        user.email != null && isPasswordUsable(storedPasswordOf(user), this.#options.clock())
      const { rows: left } = await sql<Pick<Identity, 'provider' | 'issuer'>>`
        select provider, issuer from identities where user_id = ${userId}`.execute(kysely)
      if (!isPasswordEnough && usableProvidersOf(left, this.#options.clients).length === 0) {
        throw new AppError(
          ErrorCode.LAST_CREDENTIAL,
          'This is the only way to sign in to the account. Set a password or link another provider first.',
          { provider: providerId },
        )
      }
      const ended = await sql`delete from sessions where user_id = ${userId}
        and method = ${providerId} and id <> ${sessionId}`.execute(kysely)
      await record({
        type: EventKind.PROVIDER_UNLINKED,
        userId,
        actor: EventActor.ACCOUNT,
        method: providerId,
        sessionId,
        sessionsEnded: Number(ended.numAffectedRows),
      })
    })
  }

  /**
   * The provider's own access token, renewed if it has expired.
   * @throws AppError UNKNOWN_PROVIDER if none is kept, PROVIDER_ERROR
   */
  async token(providerId: string, userId: string): Promise<ProviderTokenType> {
    const { em, keptTokens } = this.#options
    const provider = this.#provider(providerId)
    const identities = await em.find(
      Identity,
      { user: userId, provider: providerId },
      { orderBy: { linkedAt: 'desc' } },
    )
    // Another issuer's tokens are not to be shown to this one.
    const identity = identities.find((each) => provider.isIssuerOf(each))
    const tokens =
      identity &&
      provider.settings.keepsTokens &&
      (await this.#asking(
        provider,
        undefined,
        () => keptTokens.read(provider, identity.id),
        `${provider.name} could not be reached, or no longer renews this token. Try again, or sign in with it again.`,
      ))
    if (!tokens) {
      throw new AppError(
        ProviderErrorCode.UNKNOWN_PROVIDER,
        'No token of this provider is stored for this account.',
        {
          provider: providerId,
        },
      )
    }
    return {
      accessToken: tokens.accessToken,
      expiresAt: tokens.expiresAt === null ? null : new Date(tokens.expiresAt),
      scopes: [...tokens.scopes],
    }
  }

  /**
   * Locks the user's row, and makes sure that the identity is still linked.
   * @throws AppError INVALID_CREDENTIALS if it is not; UNAUTHENTICATED (SESSION_ENDED, ACCOUNT_DISABLED)
   */
  async #confirm(tx: SqlEntityManager, identity: Identity, current: SessionReference) {
    // Two statements: one that has waited for the lock may see an identity that was unlinked meanwhile.
    await lockUser(tx, current.userId)
    const { rows } = await sql`select 1 from identities join users on users.id = user_id
      where identities.id = ${identity.id} and users.id = ${current.userId}
        and disabled_at is null`.execute(tx.getKysely())
    if (rows.length === 0) throw await refusalOf(tx, current, this.#options.clock())
  }

  #provider(id: string): ProviderClient {
    const provider = this.#options.clients.get(id)
    if (!provider) throw unknownProvider(id)
    return provider
  }

  /** The redirect URI that the provider gets: the form-post callback if it posts its response, otherwise the client's. */
  #knownRedirectUri(provider: ProviderClient, redirectUri: string): string {
    return provider.definition.responseMode === 'form_post'
      ? this.#options.formPostUri(provider.id)
      : redirectUri
  }

  #chargeFlow(): Promise<Charge> {
    const { origin, throttle } = this.#options
    return throttle.charge([
      { name: 'flow', subject: addressBlock(origin.ip), limit: flowsPerAddress },
      { name: 'flow-network', subject: networkBlock(origin.ip), limit: flowsPerNetwork },
    ])
  }

  /**
   * Uses the flow up, whatever comes of it, and exchanges the code.
   * @param recordRefusal by the provider. What comes without a flow of ours is not recorded: it names
   * no one, has tried nothing, and could be sent without end
   */
  async #exchange(
    answer: ProviderAnswer,
    purpose: FlowPurpose,
    isAllowed: (flow: Flow) => boolean,
    recordRefusal: () => Promise<void>,
  ): Promise<{ provider: ProviderClient; exchange: Exchange }> {
    const provider = this.#provider(answer.provider)
    const flow = await this.#options.flows.take(provider, answer, purpose)
    if (!flow || !isAllowed(flow)) {
      throw new AppError(
        ProviderErrorCode.INVALID_FLOW,
        'This sign-in was started elsewhere, was used before, or has expired. Start again.',
        { provider: provider.id },
      )
    }
    try {
      const exchange = await this.#asking(provider, undefined, () =>
        provider.exchange(
          {
            redirectUri: this.#knownRedirectUri(provider, flow.redirectUri),
            code: answer.code,
            state: answer.state,
            iss: answer.iss,
          },
          flow,
          purpose === FlowPurpose.REAUTHENTICATE ? flow.begunAt : undefined,
        ),
      )
      for (const failure of exchange.shortfalls) this.#options.onFailure(provider.id, failure)
      const { profile } = exchange
      const named = { ...profile, name: profile.name ?? flow.name }
      return { provider, exchange: { ...exchange, profile: named } }
    } catch (error) {
      if (error instanceof AppError && error.code === ProviderErrorCode.PROVIDER_ERROR) {
        await recordRefusal()
      }
      throw error
    }
  }

  /** Finds, or makes, the identity of a profile. */
  async #identifying<T>(
    provider: ProviderClient,
    work: () => Promise<T>,
    recordRefusal: () => Promise<void>,
  ): Promise<T> {
    try {
      return await this.#asking(provider, undefined, work)
    } catch (error) {
      if (error instanceof AppError && error.code === ProviderErrorCode.PROVIDER_ERROR) {
        await recordRefusal()
      }
      throw error
    }
  }

  /** The provider's failures end here. */
  async #asking<T>(
    provider: ProviderClient,
    charge: Charge | undefined,
    question: () => Promise<T>,
    message = `${provider.name} refused the sign-in or could not be reached. Try again.`,
  ): Promise<T> {
    try {
      return await question()
    } catch (error) {
      await charge?.refund()
      if (!(error instanceof ProviderFailure)) throw error
      this.#options.onFailure(provider.id, error)
      throw new AppError(
        ProviderErrorCode.PROVIDER_ERROR,
        error instanceof OtherIssuerFailure ? describeOtherIssuer(provider) : message,
        { provider: provider.id },
        { cause: error },
      )
    }
  }

  /** What a good response leaves behind: the address as it is now, and the tokens if they are wanted. */
  async #finish(
    provider: ProviderClient,
    identity: Identity,
    { emailFailure, profile, tokens }: Exchange,
  ): Promise<void> {
    const { em, keptTokens } = this.#options
    const stored = identity.email ?? null
    // What the provider could not be asked for now may still be as it was.
    const email = emailFailure ? stored : (emailOf(profile) ?? null)
    const { issuer } = provider
    if (email !== stored || issuer !== identity.issuer) {
      await em.nativeUpdate(Identity, { id: identity.id }, { email, issuer })
    }
    if (provider.settings.keepsTokens) await keptTokens.keep(identity.id, tokens)
  }
}

/** No value of RFC 8176 says that a provider has authenticated the user. */
function byProvider({ id }: ProviderClient): AuthenticationMethod {
  return { method: id, amr: [] }
}

function describeOtherIssuer({ name }: ProviderClient): string {
  return `This ${name} account was used here when another issuer had that name. Ask the operator of this service.`
}

function unknownProvider(id: string): AppError {
  // What is not an id may be anything, a secret in the wrong place included.
  const named = providerIdShape.test(id) ? { provider: id } : {}
  return new AppError(ProviderErrorCode.UNKNOWN_PROVIDER, 'This provider is not configured.', named)
}
