/** Signing up, signing in and changing the password. */
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { sql } from 'kysely'
import { EventActor, EventReason, EventKind } from '../../core/audit/event.ts'
import { AppError, ErrorCode, badUserInput } from '../../core/errors.ts'
import { requireAdmitted } from '../../core/sessions/admission.ts'
import { invalidCredentials } from '../../core/sessions/errors.ts'
import { refusalOf } from '../../core/sessions/live-session.ts'
import type { RequestOrigin, SessionReference } from '../../core/sessions/authentication.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import type { TokenTransport } from '../../core/sessions/token-transport.ts'
import type { Throttle } from '../../core/throttle/throttle.ts'
import { normalizeEmail } from '../../core/users/email.ts'
import { checkName } from '../../core/users/name.ts'
import { createUser, emailTaken, type NewUser } from '../../core/users/new-user.ts'
import { User } from '../../core/users/user.entity.ts'
import { PasswordAttempts, withRefundOnFailure } from './password-attempts.ts'
import {
  byPassword,
  changePassword,
  fresh,
  type NewPassword,
  type PasswordChangeOptions,
} from './password-change.ts'
import { PasswordCheck } from './password-check.ts'
import { checkNewPassword } from './password-policy.ts'

export interface PasswordServiceOptions extends Omit<PasswordChangeOptions, 'attempts' | 'check'> {
  readonly throttle: Throttle
  readonly origin: RequestOrigin
  readonly isRegistrationOpen: boolean
  /** A stored hash that bcrypt would not understand, for the log. */
  readonly onCorruptHash: (userId: string) => void
}

const { method } = byPassword

export class PasswordService {
  readonly #options: PasswordServiceOptions
  readonly #attempts: PasswordAttempts
  readonly #check: PasswordCheck

  constructor(options: PasswordServiceOptions) {
    this.#options = options
    this.#attempts = new PasswordAttempts(options)
    this.#check = new PasswordCheck({ ...options, network: this.#attempts.network })
  }

  /**
   * Makes an account and signs it in.
   * @throws AppError BAD_USER_INPUT, EMAIL_TAKEN, RATE_LIMITED, FORBIDDEN if registration is closed
   */
  async register(
    input: { email: string; password: string; name: string | undefined },
    transport: TokenTransport,
  ): Promise<AuthPayload> {
    const { hasher, sessions, isRegistrationOpen } = this.#options
    if (!isRegistrationOpen) {
      throw new AppError(ErrorCode.FORBIDDEN, 'Registration is closed on this server.')
    }
    const email = normalizeEmail(input.email)
    if (email === undefined) throw badUserInput('email', 'This is not an e-mail address.')
    const password = checkNewPassword('password', input.password, email)
    const name = checkName(input.name)
    hasher.checkRoom(this.#attempts.network)

    // All of it in `admit`, which makes sure first that tokens can be signed: nothing is charged in vain.
    const admission = await sessions.admit(async () => {
      const charge = await this.#attempts.chargeRegistration()
      const passwordHash = await withRefundOnFailure(charge, () =>
        hasher.hash(password, this.#attempts.network),
      )
      const userId = await this.#create({
        email,
        emailVerified: false,
        name: name ?? null,
        password: { passwordHash, passwordExpiresAt: null },
      })
      // The account still counts as a registration; the client IP has not failed.
      await charge.refund('address', 'network')
      await this.#attempts.trust(email)
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
    const { em, hasher, sessions } = this.#options
    hasher.checkRoom(this.#attempts.network)
    // What is not an address at all gets a counter too, and the same response.
    const email = normalizeEmail(input.email)
    const charge = await this.#attempts.charge(email ?? input.email.slice(0, 320))
    const { user, isCorrect, renewedHash } = await withRefundOnFailure(charge, async () => {
      const found = email === undefined ? null : await em.findOne(User, { email }, fresh)
      return { user: found, ...(await this.#check.verify(input.password, found)) }
    })
    if (!user || !isCorrect) {
      // The same statement whether or not there is an account: its time must reveal nothing either.
      await this.#recordFailure(user)
      throw invalidCredentials()
    }
    await charge.refund()
    await this.#check.keepRenewedHash(user, renewedHash)
    await this.#attempts.trust(user.email!)
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
  change(current: SessionReference, input: NewPassword): Promise<AuthPayload> {
    const parts = { ...this.#options, attempts: this.#attempts, check: this.#check }
    return changePassword(current, input, parts)
  }

  /**
   * Proves with the password that the user of the session is still there. It has the budgets, the work
   * and the record of a sign-in: a stolen access token is not a further way to guess.
   * @param current the session that asks
   * @throws AppError INVALID_CREDENTIALS, RATE_LIMITED, UNAUTHENTICATED
   */
  async reauthenticate(current: SessionReference, password: string): Promise<AuthPayload> {
    const { audit, clock, em, hasher, sessions } = this.#options
    hasher.checkRoom(this.#attempts.network)
    const user = await em.findOneOrFail(User, { id: current.userId }, fresh)
    const charge = await this.#attempts.charge(user.email ?? user.id)
    const { isCorrect, renewedHash } = await withRefundOnFailure(charge, () =>
      this.#check.verify(password, user),
    )
    if (!isCorrect) {
      const type = EventKind.REAUTHENTICATION_FAILED
      const reason = this.#check.reasonOf(user)
      await audit.record(em, { type, ...current, actor: EventActor.ACCOUNT, reason, method })
      throw new AppError(ErrorCode.INVALID_CREDENTIALS, 'The password is wrong.')
    }
    await charge.refund()
    await this.#check.keepRenewedHash(user, renewedHash)
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

  async #recordFailure(user: User | null): Promise<void> {
    const { audit, em } = this.#options
    await audit.record(em, {
      type: EventKind.SIGN_IN_FAILED,
      userId: user?.id ?? null,
      actor: EventActor.ANONYMOUS,
      reason: user ? this.#check.reasonOf(user) : EventReason.UNKNOWN_ACCOUNT,
      method,
    })
  }
}
