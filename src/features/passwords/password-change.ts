/** Changes a password, or sets the first one. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import type { AuditTrail } from '../../core/audit/audit-trail.ts'
import { EventActor, EventKind, EventReason } from '../../core/audit/event.ts'
import { AppError, ErrorCode, badUserInput } from '../../core/errors.ts'
import type { AuthPayload } from '../../core/sessions/auth-payload.ts'
import type { SessionReference } from '../../core/sessions/authentication.ts'
import { refusalOf } from '../../core/sessions/live-session.ts'
import type { SessionService } from '../../core/sessions/session.service.ts'
import { User } from '../../core/users/user.entity.ts'
import { withRefundOnFailure, type PasswordAttempts } from './password-attempts.ts'
import type { PasswordCheck } from './password-check.ts'
import type { PasswordHasher } from './password-hasher.ts'
import { checkNewPassword, normalizePassword } from './password-policy.ts'

export interface PasswordChangeOptions {
  readonly em: SqlEntityManager
  readonly hasher: PasswordHasher
  readonly sessions: SessionService
  readonly audit: AuditTrail
  readonly clock: () => number
  readonly attempts: PasswordAttempts
  readonly check: PasswordCheck
  /** @throws AppError REAUTHENTICATION_REQUIRED unless the request comes with a recent proof */
  readonly requireRecentProof: () => Promise<void>
  /** Whether the user of the session can sign in by something other than the password. */
  readonly hasOtherSignInMethod: () => Promise<boolean>
}

export interface NewPassword {
  readonly currentPassword: string | undefined
  readonly newPassword: string
}

/** How a password proves who the user is. */
export const byPassword = { method: 'password', amr: ['pwd'] } as const

/** Past the identity map: another field of the same request may have changed the account. */
export const fresh = { refresh: true } as const

/** See `PasswordService.change`. */
export async function changePassword(
  current: SessionReference,
  input: NewPassword,
  options: PasswordChangeOptions,
): Promise<AuthPayload> {
  const { attempts, audit, check, clock, em, hasher, sessions } = options
  const user = await em.findOneOrFail(User, { id: current.userId }, fresh)
  const isFirst = user.passwordHash == null
  // An operator's password that has expired proves nothing. Without a provider, only an operator can help.
  const isProvenOtherwise =
    isFirst || (!check.isUsable(user) && (await options.hasOtherSignInMethod()))
  // A first password opens the account for good: the access token alone must not set one.
  if (isProvenOtherwise) await options.requireRecentProof()
  const newPassword = checkNewPassword('newPassword', input.newPassword, user.email ?? null)
  if (isProvenOtherwise && !isFirst) {
    const isSame = await hasher.verify(newPassword, user.passwordHash, attempts.network)
    if (isSame) throw operatorKnows()
  }
  const passwordHash = isProvenOtherwise
    ? await hasher.hash(newPassword, attempts.network)
    : await replaceCurrent(current, user, { ...input, newPassword }, options)
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
 * @returns the hash of the new password
 * @throws AppError BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED
 */
async function replaceCurrent(
  current: SessionReference,
  user: User,
  { currentPassword, newPassword }: NewPassword,
  options: PasswordChangeOptions,
): Promise<string> {
  const { attempts, audit, check, em, hasher } = options
  if (currentPassword === undefined) {
    throw badUserInput('currentPassword', 'The current password is required.')
  }
  if (user.passwordExpiresAt != null && normalizePassword(currentPassword) === newPassword) {
    throw operatorKnows()
  }
  hasher.checkRoom(attempts.network)
  const charge = await attempts.charge(user.email ?? user.id)
  const passwordHash = await withRefundOnFailure(charge, () =>
    check.replace(currentPassword, user, newPassword),
  )
  if (passwordHash === undefined) {
    const type = EventKind.PASSWORD_CHANGE_FAILED
    const reason = check.reasonOf(user)
    await audit.record(em, { type, ...current, actor: EventActor.ACCOUNT, reason })
    throw new AppError(
      ErrorCode.INVALID_CREDENTIALS,
      reason === EventReason.PASSWORD_EXPIRED
        ? 'The current password has expired. Ask the operator of this service for a new one.'
        : 'The current password is wrong.',
    )
  }
  await charge.refund()
  return passwordHash
}

function operatorKnows(): AppError {
  return badUserInput(
    'newPassword',
    'This password was set by an operator. Choose another one that only you know.',
  )
}
