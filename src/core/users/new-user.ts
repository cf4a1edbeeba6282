/** Creates a user, for every sign-in method and command. */
import { randomUUID } from 'node:crypto'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { AppError, ErrorCode } from '../errors.ts'
import { noPassword, type PasswordColumns } from './password-columns.ts'
import { Role } from './role.ts'
import { User } from './user.entity.ts'

export interface NewUser {
  /** In normal form; null if no provider gave one. */
  readonly email: string | null
  readonly emailVerified: boolean
  /** As `checkName` or `shortenName` returns it. */
  readonly name: string | null
  /** In addition to USER, which every user has. */
  readonly roles?: readonly Role[]
  readonly password?: PasswordColumns
}

/**
 * Stores a new user. The caller records the event.
 * @param tx a transaction
 * @param now milliseconds since the epoch
 * @throws UniqueConstraintViolationException if another user has the e-mail: see `emailTaken`
 */
export async function createUser(
  tx: SqlEntityManager,
  { email, emailVerified, name, password = noPassword, roles = [] }: NewUser,
  now: number,
): Promise<User> {
  const user = tx.create(User, {
    id: randomUUID(),
    email,
    emailVerified,
    name,
    roles: [...new Set([Role.USER, ...roles])],
    ...password,
    credentialVersion: 0,
    createdAt: now,
    lastSignedInAt: null,
    disabledAt: null,
  })
  await tx.persist(user).flush()
  return user
}

export function emailTaken(): AppError {
  return new AppError(ErrorCode.EMAIL_TAKEN, 'There is an account with this e-mail address.')
}
