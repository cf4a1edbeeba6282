/** Signing up, signing in and changing the password. */
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import type { AuditTrail } from '../../core/audit/audit-trail.ts'
import { EventActor, EventReason, EventKind } from '../../core/audit/event.ts'
import { AppError, ErrorCode, badUserInput } from '../../core/errors.ts'
import { requireAdmitted } from '../../core/sessions/admission.ts'
import { invalidCredentials } from '../../core/sessions/errors.ts'
import { refusalOf } from '../../core/sessions/live-session.ts'
import type { SessionService } from '../../core/sessions/session.service.ts'
import type { RequestOrigin, SessionReference } from '../../core/sessions/authentication.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import type { TokenTransport } from '../../core/sessions/token-transport.ts'
import { addressBlock, networkBlock, pairOf } from '../../core/throttle/address.ts'
import type { Budget, Charge, Throttle } from '../../core/throttle/throttle.ts'
import { normalizeEmail } from '../../core/users/email.ts'
import { checkName } from '../../core/users/name.ts'
import { createUser, emailTaken, type NewUser } from '../../core/users/new-user.ts'
import { isPasswordUsable, storedPasswordOf } from '../../core/users/usable-password.ts'
import { User } from '../../core/users/user.entity.ts'
import type { PasswordHasher } from './password-hasher.ts'
import { checkNewPassword, isHashable, maximumBytes, normalizePassword } from './password-policy.ts'

export interface PasswordServiceOptions {
  readonly em: SqlEntityManager
  readonly hasher: PasswordHasher
  readonly throttle: Throttle
  readonly sessions: SessionService
  readonly audit: AuditTrail
  readonly clock: () => number
  readonly origin: RequestOrigin
  readonly isRegistrationOpen: boolean
  /** @throws AppError REAUTHENTICATION_REQUIRED unless the request comes with a recent proof */
  readonly requireRecentProof: () => Promise<void>
  /** Whether the user of the session can sign in by something other than the password. */
  readonly hasOtherWayIn: () => Promise<boolean>
  /** A stored hash that bcrypt would not understand, for the log. */
  readonly onCorruptHash: (userId: string) => void
}

/** Attempts an hour before delays start. */
const limits = {
  /** One address at one account. */
  pair: 5,
  /** All addresses together at one account, but for those from which its owner has signed in. */
  account: 10,
  /** One address at all accounts. */
  address: 100,
  /** One network at all accounts, but for those whose owners have signed in from the same address. */
  network: 1000,
  /** New accounts from one address. */
  registrations: 100,
  /** New accounts from one network. */
  registrationsOfNetwork: 1000,
}
const byPassword = { method: 'password', amr: ['pwd'] } as const
const { method } = byPassword

/** Past the identity map: another field of the same request may have changed the account. */
const freshly = { refresh: true } as const

export class PasswordService {
  readonly #options: PasswordServiceOptions

  constructor(options: PasswordServiceOptions) {
    this.#options = options
  }

  /**
   * Makes an account and signs it in.
   * @throws AppError BAD_USER_INPUT, EMAIL_TAKEN, RATE_LIMITED, FORBIDDEN where registration is closed
   */
  async register(
    input: { email: string; password: string; name: string | undefined },
    transport: TokenTransport,
  ): Promise<AuthPayload> {
    const { hasher, sessions, throttle, isRegistrationOpen } = this.#options
    if (!isRegistrationOpen) {
      throw new AppError(ErrorCode.FORBIDDEN, 'Registration is closed on this server.')
    }
    const email = normalizeEmail(input.email)
    if (email === undefined) throw badUserInput('email', 'This is not an e-mail address.')
    const password = checkNewPassword('password', input.password, email)
    const name = checkName(input.name)
    hasher.checkRoom(this.#network)

    const address = addressBlock(this.#options.origin.ip)
    const charge = await throttle.charge([
      { name: 'register', subject: address, limit: limits.registrations },
      { name: 'address', subject: address, limit: limits.address },
      { name: 'register-network', subject: this.#network, limit: limits.registrationsOfNetwork },
      { name: 'network', subject: this.#network, limit: limits.network },
    ])
    const passwordHash = await withRefundOnFailure(charge, () =>
      hasher.hash(password, this.#network),
    )

    const account = {
      email,
      emailVerified: false,
      name: name ?? null,
      password: { passwordHash, passwordExpiresAt: null },
    }
    const admission = await sessions.admit(async () => {
      const userId = await this.#create(account)
      // The account goes on counting as one that was made; the address has failed at nothing.
      await charge.refund('address', 'network')
      await throttle.trust(this.#pair(email))
      return { userId, credentialVersion: 0, ...byPassword }
    }, transport)
    // The owner of the address has taken the account over in this very moment.
    if (admission.status === 'changed') throw emailTaken()
    return requireAdmitted(admission)
  }

  /**
   * Signs in. Whatever is wrong, the response and the work are the same.
   * @throws AppError INVALID_CREDENTIALS, RATE_LIMITED, UNAUTHENTICATED (ACCOUNT_DISABLED)
   */
  async login(
    input: { email: string; password: string },
    transport: TokenTransport,
  ): Promise<AuthPayload> {
    const { em, hasher, sessions, throttle } = this.#options
    hasher.checkRoom(this.#network)
    // What is not an address at all gets a counter too, and the same response.
    const email = normalizeEmail(input.email)
    const charge = await throttle.charge(this.#budgets(email ?? input.email.slice(0, 320)))
    const { user, isCorrect, renewedHash } = await withRefundOnFailure(charge, async () => {
      const found = email === undefined ? null : await em.findOne(User, { email }, freshly)
      return { user: found, ...(await this.#verify(input.password, found)) }
    })
    if (!user || !isCorrect) {
      // The same statement whether or not there is an account: its time must tell nothing either.
      await this.#recordFailure(user)
      throw invalidCredentials()
    }
    await charge.refund()
    if (renewedHash !== undefined) await this.#keepRenewedHash(user, renewedHash)
    await throttle.trust(this.#pair(user.email!))
    const { id: userId, credentialVersion } = user
    return requireAdmitted(
      await sessions.admit({ userId, credentialVersion, ...byPassword }, transport),
    )
  }

  /**
   * Changes the password, or sets the first one, and ends the user's other sessions. The current password
   * is proof enough of who asks; without one that works, the session's last proof has to be recent.
   * @param current the session that asks
   * @throws AppError BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED, REAUTHENTICATION_REQUIRED,
   * UNAUTHENTICATED
   */
  async change(
    current: SessionReference,
    input: { currentPassword: string | undefined; newPassword: string },
  ): Promise<AuthPayload> {
    const { audit, clock, em, hasher, sessions } = this.#options
    const user = await em.findOneOrFail(User, { id: current.userId }, freshly)
    const isFirst = user.passwordHash == null
    // An operator's password that has expired proves nothing. Without a provider, only an operator can help.
    const isProvenOtherwise =
      isFirst || (!this.#isUsable(user) && (await this.#options.hasOtherWayIn()))
    // A first password opens the account for good: the access token alone must not set one.
    if (isProvenOtherwise) await this.#options.requireRecentProof()
    const newPassword = checkNewPassword('newPassword', input.newPassword, user.email ?? null)
    if (isProvenOtherwise && !isFirst) await this.#requireAnother(user, newPassword)
    const passwordHash = isProvenOtherwise
      ? await hasher.hash(newPassword, this.#network)
      : await this.#replace(user, input.currentPassword, newPassword, current)
    const type = isFirst ? EventKind.PASSWORD_SET : EventKind.PASSWORD_CHANGED
    const provenBy = isProvenOtherwise ? undefined : byPassword
    const key = await sessions.signingKey()
    const renewed = await audit.transactional(em, async (tx, record) => {
      const updated = await sql`update users
        set password_hash = ${passwordHash}, password_expires_at = null,
          credential_version = credential_version + 1
        where id = ${user.id} and credential_version = ${user.credentialVersion}
          and disabled_at is null`.execute(tx.getKysely())
      if (updated.numAffectedRows !== 1n) throw await refusalOf(tx, current, clock())
      return sessions.renewAndRevokeOthers(tx, record, current, { key, type, provenBy })
    })
    return sessions.issue(renewed)
  }

  /**
   * Proves with the password that the user of the session is still there. It has the budgets, the work
   * and the record of a sign-in: a stolen access token is not a further way to guess.
   * @param current the session that asks
   * @throws AppError INVALID_CREDENTIALS, RATE_LIMITED, UNAUTHENTICATED
   */
  async reauthenticate(current: SessionReference, password: string): Promise<AuthPayload> {
    const { audit, clock, em, hasher, sessions, throttle } = this.#options
    hasher.checkRoom(this.#network)
    const user = await em.findOneOrFail(User, { id: current.userId }, freshly)
    const charge = await throttle.charge(this.#budgets(user.email ?? user.id))
    const { isCorrect, renewedHash } = await withRefundOnFailure(charge, () =>
      this.#verify(password, user),
    )
    if (!isCorrect) {
      const type = EventKind.REAUTHENTICATION_FAILED
      const reason = this.#reasonOf(user)
      await audit.record(em, { type, ...current, actor: EventActor.ACCOUNT, reason, method })
      throw new AppError(ErrorCode.INVALID_CREDENTIALS, 'The password is wrong.')
    }
    await charge.refund()
    if (renewedHash !== undefined) await this.#keepRenewedHash(user, renewedHash)
    const key = await sessions.signingKey()
    const renewed = await audit.transactional(em, async (tx, record) => {
      const confirmed = await sql`update users set credential_version = credential_version
        where id = ${user.id} and credential_version = ${user.credentialVersion}
          and disabled_at is null`.execute(tx.getKysely())
      if (confirmed.numAffectedRows !== 1n) throw await refusalOf(tx, current, clock())
      return sessions.renewAfterProof(tx, record, current, { key, provenBy: byPassword })
    })
    return sessions.issue(renewed)
  }

  /** @throws AppError EMAIL_TAKEN */
  async #create(account: NewUser): Promise<string> {
    const { audit, clock, em } = this.#options
    try {
      return await audit.transactional(em, async (tx, record) => {
        const { id: userId } = await createUser(tx, account, clock())
        const type = EventKind.ACCOUNT_CREATED
        await record({ type, userId, actor: EventActor.ACCOUNT, method })
        return userId
      })
    } catch (error) {
      throw error instanceof UniqueConstraintViolationException ? emailTaken() : error
    }
  }

  /** @throws AppError BAD_USER_INPUT if the new password is the one that has expired; RATE_LIMITED */
  async #requireAnother(user: User, newPassword: string): Promise<void> {
    const isSame = await this.#options.hasher.verify(newPassword, user.passwordHash, this.#network)
    if (isSame) throw operatorKnows()
  }

  #isUsable(user: User): boolean {
    return isPasswordUsable(storedPasswordOf(user), this.#options.clock())
  }

  /** @throws AppError BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED */
  async #replace(
    user: User,
    currentPassword: string | undefined,
    newPassword: string,
    current: SessionReference,
  ): Promise<string> {
    const { audit, em, hasher, throttle } = this.#options
    if (currentPassword === undefined) {
      throw badUserInput('currentPassword', 'The current password is required.')
    }
    if (user.passwordExpiresAt != null && normalizePassword(currentPassword) === newPassword) {
      throw operatorKnows()
    }
    hasher.checkRoom(this.#network)
    const charge = await throttle.charge(this.#budgets(user.email ?? user.id))
    const isUsable = this.#isUsable(user)
    const passwordHash = await withRefundOnFailure(charge, async () => {
      const password = isUsable ? this.#comparable(currentPassword, user) : undefined
      if (password !== undefined) {
        return hasher.replace(password, user.passwordHash, newPassword, this.#network)
      }
      await hasher.refuse(user.passwordHash, this.#network)
      return undefined
    })
    if (passwordHash === undefined) {
      const type = EventKind.PASSWORD_CHANGE_FAILED
      const reason = isUsable ? EventReason.WRONG_PASSWORD : EventReason.PASSWORD_EXPIRED
      await audit.record(em, { type, ...current, actor: EventActor.ACCOUNT, reason })
      throw new AppError(
        ErrorCode.INVALID_CREDENTIALS,
        isUsable
          ? 'The current password is wrong.'
          : 'The current password has expired. Ask the operator of this service for a new one.',
      )
    }
    await charge.refund()
    return passwordHash
  }

  /** Unless the password was changed meanwhile. */
  async #keepRenewedHash(user: User, renewedHash: string): Promise<void> {
    const verified = { id: user.id, passwordHash: user.passwordHash ?? null }
    await this.#options.em.nativeUpdate(User, verified, { passwordHash: renewedHash })
  }

  async #recordFailure(user: User | null): Promise<void> {
    const { audit, em } = this.#options
    await audit.record(em, {
      type: EventKind.SIGN_IN_FAILED,
      userId: user?.id ?? null,
      actor: EventActor.ANONYMOUS,
      reason: user ? this.#reasonOf(user) : EventReason.UNKNOWN_ACCOUNT,
      method,
    })
  }

  /** Why a password was refused. */
  #reasonOf(user: User): EventReason {
    if (user.passwordHash == null) return EventReason.NO_PASSWORD
    return this.#isUsable(user) ? EventReason.WRONG_PASSWORD : EventReason.PASSWORD_EXPIRED
  }

  /** @returns whether the password is right, and a new hash where it was hashed at a lower cost */
  async #verify(
    password: string,
    user: User | null,
  ): Promise<{ isCorrect: boolean; renewedHash?: string | undefined }> {
    const { hasher } = this.#options
    const comparable = this.#comparable(password, user)
    const hash = user?.passwordHash
    if (comparable === undefined) {
      await hasher.refuse(hash, this.#network)
      return { isCorrect: false }
    }
    const isUsable = user !== null && this.#isUsable(user)
    if (!isUsable || hash == null || !hasher.needsRehash(hash)) {
      // The same work for a password that has expired.
      const isRight = await hasher.verify(comparable, hash, this.#network)
      return { isCorrect: isRight && isUsable }
    }
    const renewedHash = await hasher.replace(comparable, hash, comparable, this.#network)
    return { isCorrect: renewedHash !== undefined, renewedHash }
  }

  /** @returns the password in normal form; undefined for one that no account can have */
  #comparable(password: string, user: User | null): string | undefined {
    const { hasher, onCorruptHash } = this.#options
    if (user?.passwordHash != null && !hasher.isWellFormed(user.passwordHash))
      onCorruptHash(user.id)
    // Before normalising, whose work grows with the length.
    if (password.length > 3 * maximumBytes) return undefined
    const normalized = normalizePassword(password)
    return isHashable(normalized) ? normalized : undefined
  }

  #budgets(email: string): Budget[] {
    const address = addressBlock(this.#options.origin.ip)
    const pair = this.#pair(email)
    return [
      { name: 'pair', subject: pair, limit: limits.pair },
      { name: 'address', subject: address, limit: limits.address },
      // Strangers who guess must not keep out an owner who has signed in from here before.
      { name: 'network', subject: this.#network, limit: limits.network, unlessTrusted: pair },
      { name: 'account', subject: email, limit: limits.account, unlessTrusted: pair },
    ]
  }

  get #network(): string {
    return networkBlock(this.#options.origin.ip)
  }

  #pair(email: string): string {
    return pairOf(this.#options.origin.ip, email)
  }
}

function operatorKnows(): AppError {
  return badUserInput(
    'newPassword',
    'This password was set by an operator. Choose another one that only you know.',
  )
}

/** An attempt that could not be made, whatever the reason, is not the user's failure. */
async function withRefundOnFailure<T>(charge: Charge, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    await charge.refund()
    throw error
  }
}
