/** Signing in with a provider, and linking its accounts to a user's own. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import type { AuditTrail } from '../../core/audit/audit-trail.ts'
import { EventActor, EventKind, EventReason } from '../../core/audit/event.ts'
import { AppError, ErrorCode } from '../../core/errors.ts'
import { requireAdmitted } from '../../core/sessions/admission.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import type { AuthenticationMethod, SessionReference } from '../../core/sessions/authentication.ts'
import { refusalOf } from '../../core/sessions/live-session.ts'
import type { SessionService } from '../../core/sessions/session.service.ts'
import type { TokenTransport } from '../../core/sessions/token-transport.ts'
import { Identity } from '../../core/users/identity.entity.ts'
import { lockUser } from '../../core/users/lock-user.ts'
import type { SignInUser } from '../../feature.ts'
import { AccountLinking } from './account-linking.ts'
import { FlowPurpose } from './flow-store.ts'
import { emailOf, findIdentity } from './identities.ts'
import type { Exchange, ProviderClient } from './provider-client.ts'
import { ProviderErrorCode } from './provider-error-codes.ts'
import { type FlowResponse, ProviderFlows, type ProviderFlowsOptions } from './provider-flows.ts'
import type { ProviderFlowType, ProviderTokenType } from './provider.type.ts'
import { unlinkProvider } from './unlink-provider.ts'

export interface ProviderServiceOptions extends ProviderFlowsOptions {
  readonly sessions: SessionService
  readonly audit: AuditTrail
  readonly clock: () => number
  readonly isRegistrationOpen: boolean
  /** How a user can sign in, by all features. */
  readonly signInMethodsOf: (user: SignInUser) => Promise<string[]>
}

/** Proofs an hour in one session before delays start, so that refused ones cannot fill the trail. */
const proofsPerSession = 10

export class ProviderService {
  readonly #options: ProviderServiceOptions
  readonly #linking: AccountLinking
  readonly #flows: ProviderFlows

  constructor(options: ProviderServiceOptions) {
    this.#options = options
    this.#linking = new AccountLinking(options)
    this.#flows = new ProviderFlows(options)
  }

  /** Starts a flow, see `ProviderFlows.begin`. */
  begin(...flow: Parameters<ProviderFlows['begin']>): Promise<ProviderFlowType> {
    return this.#flows.begin(...flow)
  }

  /**
   * Signs in with the provider's response, making an account the first time.
   * @throws AppError UNKNOWN_PROVIDER, INVALID_FLOW, PROVIDER_ERROR, LINK_REQUIRED, FORBIDDEN if
   * registration is closed, UNAUTHENTICATED (ACCOUNT_DISABLED)
   */
  async login(response: FlowResponse, transport: TokenTransport): Promise<AuthPayload> {
    const { sessions } = this.#options
    const refused = () =>
      this.#linking.recordFailure(response.provider, null, EventReason.PROVIDER_ERROR)
    const { provider, exchange } = await this.#flows.exchange(
      response,
      FlowPurpose.SIGN_IN,
      () => true,
      refused,
    )
    let identity: Identity | undefined
    const admission = await sessions.admit(async () => {
      const linked = await this.#flows.identify(
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
  async link(response: FlowResponse, session: SessionReference): Promise<void> {
    const { audit, em } = this.#options
    const { userId } = session
    const refused = (reason: EventReason) =>
      audit.record(em, {
        type: EventKind.PROVIDER_LINK_FAILED,
        userId,
        actor: EventActor.ACCOUNT,
        reason,
        method: response.provider,
        sessionId: session.sessionId,
      })
    const { provider, exchange } = await this.#flows.exchange(
      response,
      FlowPurpose.SIGN_IN,
      (flow) => flow.userId === userId,
      () => refused(EventReason.PROVIDER_ERROR),
    )
    const identity = await this.#flows.identify(
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
  async reauthenticate(response: FlowResponse, current: SessionReference): Promise<AuthPayload> {
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
      return audit.record(em, { type, ...by, reason, method: response.provider })
    }
    try {
      const { provider, exchange } = await this.#flows.exchange(
        response,
        FlowPurpose.REAUTHENTICATE,
        (flow) => flow.userId === userId,
        () => refused(EventReason.PROVIDER_ERROR),
      )
      const linked = await this.#flows.identify(
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

  /** Removes a provider, see `unlinkProvider`. */
  unlink(providerId: string, current: SessionReference): Promise<void> {
    return unlinkProvider(providerId, current, this.#options)
  }

  /**
   * The provider's own access token, renewed if it has expired.
   * @throws AppError UNKNOWN_PROVIDER if none is kept, PROVIDER_ERROR
   */
  async token(providerId: string, userId: string): Promise<ProviderTokenType> {
    const { em, keptTokens } = this.#options
    const provider = this.#flows.provider(providerId)
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
      (await this.#flows.ask(
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
