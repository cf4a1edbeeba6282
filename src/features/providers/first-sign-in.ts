/**
 * The first sign-in of an identity: which account it joins, or takes over, or whether one is created.
 * Decided by e-mail only if the provider attests the address (SECURITY.md, docs/adr/0039).
 */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import type { AuditTrail } from '../../core/audit/audit-trail.ts'
import { EventActor, EventReason, EventKind } from '../../core/audit/event.ts'
import { AppError, ErrorCode } from '../../core/errors.ts'
import { accountDisabled } from '../../core/sessions/errors.ts'
import { pairOf } from '../../core/throttle/address.ts'
import type { Throttle } from '../../core/throttle/throttle.ts'
import { createUser } from '../../core/users/new-user.ts'
import { reclaimAccount } from '../../core/users/reclaim-account.ts'
import type { SignInUser } from '../../feature.ts'
import { storedPasswordOf } from '../../core/users/usable-password.ts'
import { User } from '../../core/users/user.entity.ts'
import { addIdentity, displayNameOf, emailOf, findIdentity, type Linked } from './identities.ts'
import type { ProviderClient } from './provider-client.ts'
import { ProviderErrorCode } from './provider-error-codes.ts'
import type { ProviderProfile } from './definitions/provider-definition.ts'

export interface FirstSignInOptions {
  readonly em: SqlEntityManager
  readonly audit: AuditTrail
  readonly throttle: Throttle
  readonly clock: () => number
  /** How a user can sign in, by all features. */
  readonly signInMethodsOf: (user: SignInUser) => Promise<string[]>
  readonly isRegistrationOpen: boolean
}

/** Another request has changed the account since it was read: look again. */
export class ChangedMeanwhile extends Error {}

export class FirstSignIn {
  readonly #options: FirstSignInOptions

  constructor(options: FirstSignInOptions) {
    this.#options = options
  }

  /**
   * @throws AppError LINK_REQUIRED, FORBIDDEN if registration is closed, UNAUTHENTICATED
   * (ACCOUNT_DISABLED); ChangedMeanwhile, UniqueConstraintViolationException after a lost race
   */
  async admit(
    em: SqlEntityManager,
    provider: ProviderClient,
    profile: ProviderProfile,
  ): Promise<Linked> {
    const email = emailOf(profile)
    const owner = email === undefined ? null : await em.findOne(User, { email }, { refresh: true })
    const isAttested = email !== undefined && profile.emailVerified
    if (owner && isAttested && !owner.emailVerified) {
      return this.#reclaim(em, provider, profile, owner, email)
    }
    if (owner && !isAttested) return this.#requireLink(em, provider, profile, owner)
    if (!owner && !this.#options.isRegistrationOpen) {
      await this.recordFailure(provider.id, null, EventReason.REGISTRATION_CLOSED)
      throw new AppError(ErrorCode.FORBIDDEN, 'Registration is closed on this server.')
    }
    const { audit, clock } = this.#options
    return audit.transactional(em, async (tx, record) => {
      const user = owner
        ? tx.merge(owner)
        : await createUser(
            tx,
            {
              email: email ?? null,
              emailVerified: email !== undefined && profile.emailVerified,
              name: displayNameOf(profile),
            },
            clock(),
          )
      const identity = await addIdentity(tx, provider, profile, user, clock())
      const type = owner ? EventKind.PROVIDER_LINKED : EventKind.ACCOUNT_CREATED
      await record({ type, ...by(user), method: provider.id })
      return { user, identity }
    })
  }

  /** A sign-in that the provider, or one of the rules here, has refused. */
  async recordFailure(
    providerId: string,
    userId: string | null,
    reason: EventReason,
  ): Promise<void> {
    const { audit, em } = this.#options
    const type = EventKind.SIGN_IN_FAILED
    const actor = EventActor.ANONYMOUS
    await audit.record(em, { type, userId, actor, reason, method: providerId })
  }

  /** The address has never been verified, and now its owner has come. */
  async #reclaim(
    em: SqlEntityManager,
    provider: ProviderClient,
    profile: ProviderProfile,
    owner: User,
    email: string,
  ): Promise<Linked> {
    const { audit, clock, throttle } = this.#options
    const name = displayNameOf(profile)
    const result = await audit.transactional(em, async (tx, record) => {
      const reclaim = await reclaimAccount(tx, { userId: owner.id, email, name })
      if (reclaim.outcome !== 'reclaimed') return reclaim
      const { sessionsEnded, user } = reclaim
      const identity = await addIdentity(tx, provider, profile, user, clock())
      const type = EventKind.ACCOUNT_RECLAIMED
      await record({ type, ...by(user), method: provider.id, sessionsEnded })
      return { ...reclaim, identity }
    })
    switch (result.outcome) {
      case 'reclaimed':
        await throttle.forget(await this.#formerAttempts(em, owner.id, email))
        return result
      case 'privileged':
        return this.#requireLink(em, provider, profile, owner)
      case 'disabled': {
        await this.recordFailure(provider.id, owner.id, EventReason.ACCOUNT_DISABLED)
        throw accountDisabled()
      }
      case 'changed':
        throw new ChangedMeanwhile()
    }
  }

  async #requireLink(
    em: SqlEntityManager,
    provider: ProviderClient,
    profile: ProviderProfile,
    owner: User,
  ): Promise<Linked> {
    // Another sign-in of the same user may have created the account a moment ago.
    const found = await findIdentity(em, provider, profile)
    if (found) return found
    await this.recordFailure(provider.id, owner.id, EventReason.LINK_REQUIRED)
    throw new AppError(
      ProviderErrorCode.LINK_REQUIRED,
      `There is an account with the e-mail address of this ${provider.name} account. Sign in to it, then link ${provider.name}.`,
      {
        provider: provider.id,
        linkableWith: await this.#options.signInMethodsOf(ofUser(owner)),
      },
    )
  }

  /** The counters of everyone who used the account, and that their client IPs are trusted to it. */
  async #formerAttempts(em: SqlEntityManager, userId: string, email: string) {
    const { rows } = await sql<{ ip: string }>`select distinct ip from audit_events
      where user_id = ${userId} and ip is not null and actor = ${EventActor.ACCOUNT}
        and type <> ${EventKind.ACCOUNT_RECLAIMED}`.execute(em.getKysely())
    const pairs = rows.map(({ ip }) => pairOf(ip, email))
    return [
      { name: 'account', subject: email },
      ...pairs.map((subject) => ({ name: 'pair', subject })),
      ...pairs.map((subject) => ({ name: 'familiar', subject })),
    ]
  }
}

function ofUser(user: User) {
  return { id: user.id, ...storedPasswordOf(user) }
}

function by({ id }: User) {
  return { userId: id, actor: EventActor.ACCOUNT }
}
