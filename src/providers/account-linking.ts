/**
 * Whose account a provider's identity is: decided by provider and subject, and by e-mail only where both
 * sides have it proven (SECURITY.md).
 */
import { randomUUID } from 'node:crypto'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql, type Kysely } from 'kysely'
import type { AuditTrail, RecordEvent } from '../audit/audit-trail.ts'
import { EventActor, EventReason, EventType } from '../audit/event.ts'
import { AppError, ErrorCode } from '../errors.ts'
import { Role } from '../guard/role.ts'
import type { SessionReference } from '../sessions/authentication.ts'
import { endedMeanwhile } from '../sessions/session.service.ts'
import { normalizeEmail } from '../users/email.ts'
import { Identity } from '../users/identity.entity.ts'
import { shortenName } from '../users/name.ts'
import { User } from '../users/user.entity.ts'
import type { ProviderClient } from './provider-client.ts'
import type { ProviderProfile } from './provider-facts.ts'

export interface AccountLinkingOptions {
  readonly em: SqlEntityManager
  readonly audit: AuditTrail
  readonly clock: () => number
  /** By id: the providers that the server has. */
  readonly clients: ReadonlyMap<string, ProviderClient>
  readonly isRegistrationOpen: boolean
}

/** A lost race is run again; a second loss would need a third sign-in of the same person. */
const resolveAttempts = 3
/** Past the identity map: another field of the same request may have changed the account. */
const freshly = { refresh: true } as const

export class AccountLinking {
  readonly #options: AccountLinkingOptions

  constructor(options: AccountLinkingOptions) {
    this.#options = options
  }

  /**
   * The account of this identity; at its first sign-in one that it joins, or that is made for it.
   * @throws AppError LINK_REQUIRED, FORBIDDEN where registration is closed
   */
  async resolve(
    provider: ProviderClient,
    profile: ProviderProfile,
  ): Promise<{ user: User; identity: Identity }> {
    for (let attempt = 1; ; attempt++) {
      const em = this.#options.em.fork()
      try {
        return (
          (await this.#find(em, provider, profile)) ?? (await this.#admit(em, provider, profile))
        )
      } catch (error) {
        // Another sign-in of the same person, or a registration of the address, came first.
        if (!(error instanceof UniqueConstraintViolationException) || attempt === resolveAttempts) {
          throw error
        }
      }
    }
  }

  /**
   * Links the identity to who is signed in, unless it is somebody's already.
   * @returns the identity as it is now, whosever it is
   * @throws AppError UNAUTHENTICATED where the session has ended meanwhile
   */
  async link(
    tx: SqlEntityManager,
    record: RecordEvent,
    provider: ProviderClient,
    { subject, email }: ProviderProfile,
    { userId, sessionId }: SessionReference,
  ): Promise<Identity> {
    const kysely = tx.getKysely() as Kysely<unknown>
    const now = this.#options.clock()
    // Locks the person. They may have ended the session, as one that was stolen, while the provider
    // was asked: what it links now would open the account for good.
    const admitted = await sql`update users set credential_version = credential_version
      where id = ${userId} and disabled_at is null and exists (select 1 from sessions
        where id = ${sessionId} and user_id = users.id and expires_at > ${now})`.execute(kysely)
    if (admitted.numAffectedRows !== 1n) {
      throw endedMeanwhile()
    }
    const inserted =
      await sql`insert into identities (id, user_id, provider, subject, email, linked_at)
      values (${randomUUID()}, ${userId}, ${provider.id}, ${subject},
        ${email === null ? null : (normalizeEmail(email) ?? null)}, ${now})
      on conflict (provider, subject) do nothing`.execute(kysely)
    if (inserted.numAffectedRows === 1n) {
      const type = EventType.PROVIDER_LINKED
      await record({ type, userId, actor: EventActor.ACCOUNT, method: provider.id, sessionId })
    }
    return tx.findOneOrFail(Identity, { provider: provider.id, subject })
  }

  /** A sign-in that the provider, or one of the rules here, has refused. */
  async recordFailure(
    providerId: string,
    userId: string | null,
    reason: EventReason,
  ): Promise<void> {
    const { audit, em } = this.#options
    const type = EventType.SIGN_IN_FAILED
    const actor = EventActor.ANONYMOUS
    await audit.record(em, { type, userId, actor, reason, method: providerId })
  }

  async #find(
    em: SqlEntityManager,
    provider: ProviderClient,
    { subject }: ProviderProfile,
  ): Promise<{ user: User; identity: Identity } | undefined> {
    const key = { provider: provider.id, subject }
    const identity = await em.findOne(Identity, key, { populate: ['user'], ...freshly })
    return identity ? { user: identity.user, identity } : undefined
  }

  /** A first sign-in: joins the account of the address where both sides have it proven, or makes one. */
  async #admit(
    em: SqlEntityManager,
    provider: ProviderClient,
    profile: ProviderProfile,
  ): Promise<{ user: User; identity: Identity }> {
    const email = profile.email === null ? undefined : normalizeEmail(profile.email)
    const owner = email === undefined ? null : await em.findOne(User, { email }, freshly)
    if (owner && !(profile.isEmailAttested && owner.emailVerified)) {
      // The same person, at the same moment, may have made the account since we looked.
      const found = await this.#find(em, provider, profile)
      if (found) return found
      await this.recordFailure(provider.id, owner.id, EventReason.LINK_REQUIRED)
      throw new AppError(
        ErrorCode.LINK_REQUIRED,
        `There is an account with the e-mail address of this ${provider.name} account. Sign in to it, then link ${provider.name}.`,
        { provider: provider.id, linkableWith: await this.#waysIn(em, owner) },
      )
    }
    if (!owner && !this.#options.isRegistrationOpen) {
      await this.recordFailure(provider.id, null, EventReason.REGISTRATION_CLOSED)
      throw new AppError(ErrorCode.FORBIDDEN, 'Registration is closed on this server.')
    }
    return this.#options.audit.transactional(em, async (tx, record) => {
      const user = owner ? tx.merge(owner) : this.#newUser(tx, email, profile)
      const identity = this.#newIdentity(provider, profile, user)
      await tx.persist([user, identity]).flush()
      await record({
        type: owner ? EventType.PROVIDER_LINKED : EventType.ACCOUNT_CREATED,
        userId: user.id,
        actor: EventActor.ACCOUNT,
        method: provider.id,
      })
      return { user, identity }
    })
  }

  #newUser(em: SqlEntityManager, email: string | undefined, profile: ProviderProfile): User {
    return em.create(User, {
      id: randomUUID(),
      email: email ?? null,
      emailVerified: email !== undefined && profile.isEmailAttested,
      name: shortenName(profile.name ?? '') ?? null,
      roles: [Role.USER],
      passwordHash: null,
      credentialVersion: 0,
      createdAt: this.#options.clock(),
      lastSignedInAt: null,
      disabledAt: null,
    })
  }

  #newIdentity(provider: ProviderClient, profile: ProviderProfile, user: User): Identity {
    const identity = new Identity()
    identity.id = randomUUID()
    identity.user = user
    identity.provider = provider.id
    identity.subject = profile.subject
    identity.email = profile.email === null ? null : (normalizeEmail(profile.email) ?? null)
    identity.linkedAt = this.#options.clock()
    return identity
  }

  async #waysIn(em: SqlEntityManager, user: User): Promise<string[]> {
    const identities = await em.find(Identity, { user: user.id })
    const providers = identities
      .map((identity) => identity.provider)
      .filter((id) => this.#options.clients.has(id))
    return [...(user.passwordHash == null ? [] : ['password']), ...new Set(providers)]
  }
}
