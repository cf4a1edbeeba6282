/**
 * Whose account a provider's identity is: decided by provider and subject, and by e-mail only if both
 * sides have it proven (SECURITY.md).
 */
import { randomUUID } from 'node:crypto'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql, type Kysely } from 'kysely'
import type { RecordEvent } from '../../core/audit/audit-trail.ts'
import { EventActor, EventKind, type EventReason } from '../../core/audit/event.ts'
import type { SessionReference } from '../../core/sessions/authentication.ts'
import { lockLiveSession } from '../../core/sessions/live-session.ts'
import { Identity } from '../../core/users/identity.entity.ts'
import { User } from '../../core/users/user.entity.ts'
import { ChangedMeanwhile, FirstSignIn, type FirstSignInOptions } from './first-sign-in.ts'
import { emailOf, findIdentity, requireIssuer, type Linked } from './identities.ts'
import type { Exchange, ProviderClient } from './provider-client.ts'
import type { ProviderProfile } from './definitions/provider-definition.ts'

/** A lost race is run again; a second loss would need a third sign-in of the same user. */
const resolveAttempts = 3

export class AccountLinking {
  readonly #options: FirstSignInOptions
  readonly #firstSignIn: FirstSignIn

  constructor(options: FirstSignInOptions) {
    this.#options = options
    this.#firstSignIn = new FirstSignIn(options)
  }

  /**
   * The account of this identity; at its first sign-in one that it joins or takes over, or a new one.
   * @throws AppError LINK_REQUIRED, FORBIDDEN if registration is closed, UNAUTHENTICATED
   * (ACCOUNT_DISABLED)
   * @throws ProviderFailure if the first sign-in cannot be decided, because the provider could not be
   * asked for the e-mail address: the account would never get it
   */
  async resolve(
    provider: ProviderClient,
    { emailFailure, profile }: Pick<Exchange, 'emailFailure' | 'profile'>,
  ): Promise<Linked> {
    for (let attempt = 1; ; attempt++) {
      const em = this.#options.em.fork()
      try {
        const known = await findIdentity(em, provider, profile)
        if (known) await this.#verifyEmail(em, provider, profile, known.user)
        if (known) return known
        if (emailFailure) throw emailFailure
        return await this.#firstSignIn.admit(em, provider, profile)
      } catch (error) {
        // Another sign-in of the same user, or a registration of the address, came first.
        const isLostRace =
          error instanceof UniqueConstraintViolationException || error instanceof ChangedMeanwhile
        if (!isLostRace || attempt === resolveAttempts) throw error
      }
    }
  }

  /**
   * Links the identity to the signed-in user, unless it is already linked.
   * @returns the identity as it is now, whosever it is
   * @throws AppError UNAUTHENTICATED if the session has ended meanwhile
   */
  async link(
    tx: SqlEntityManager,
    record: RecordEvent,
    provider: ProviderClient,
    profile: ProviderProfile,
    { userId, sessionId }: SessionReference,
  ): Promise<Identity> {
    const { subject } = profile
    const kysely = tx.getKysely() as Kysely<unknown>
    const now = this.#options.clock()
    // The session may have been ended, as one that was stolen, while the provider was asked: what it
    // links now would open the account for good.
    await lockLiveSession(tx, { userId, sessionId }, now)
    const inserted =
      await sql`insert into identities (id, user_id, provider, subject, issuer, email, linked_at)
      values (${randomUUID()}, ${userId}, ${provider.id}, ${subject}, ${provider.issuer},
        ${emailOf(profile) ?? null}, ${now})
      on conflict (provider, subject) do nothing`.execute(kysely)
    if (inserted.numAffectedRows === 1n) {
      const type = EventKind.PROVIDER_LINKED
      await record({ type, userId, actor: EventActor.ACCOUNT, method: provider.id, sessionId })
    }
    const identity = await tx.findOneOrFail(Identity, { provider: provider.id, subject })
    requireIssuer(provider, identity)
    // Signed in to the account and, at the provider, proven to own its address.
    if (identity.user.id === userId && profile.emailVerified) {
      await verifyEmail(tx, record, provider, { id: userId, email: emailOf(profile) })
    }
    return identity
  }

  /** A sign-in that the provider, or one of the rules here, has refused. */
  recordFailure(providerId: string, userId: string | null, reason: EventReason): Promise<void> {
    return this.#firstSignIn.recordFailure(providerId, userId, reason)
  }

  /** A provider that is linked to the account attests its address. */
  async #verifyEmail(
    em: SqlEntityManager,
    provider: ProviderClient,
    profile: ProviderProfile,
    { id, credentialVersion, email, emailVerified }: User,
  ): Promise<void> {
    if (emailVerified || !profile.emailVerified || emailOf(profile) !== (email ?? '')) return
    await this.#options.audit.transactional(em, (tx, record) =>
      verifyEmail(tx, record, provider, { id, email, credentialVersion }),
    )
  }
}

/** Unless it is verified, or has been changed, already. */
async function verifyEmail(
  tx: SqlEntityManager,
  record: RecordEvent,
  provider: ProviderClient,
  account: { id: string; email: string | null | undefined; credentialVersion?: number },
): Promise<void> {
  if (account.email == null) return
  const unverified = { ...account, email: account.email, emailVerified: false }
  if ((await tx.nativeUpdate(User, unverified, { emailVerified: true })) === 0) return
  const by = { userId: account.id, actor: EventActor.ACCOUNT, method: provider.id }
  await record({ type: EventKind.EMAIL_VERIFIED, ...by })
}
