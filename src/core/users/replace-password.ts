/** Sets or removes the password of an account without the consent of its user: for operators. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import { Identity } from './identity.entity.ts'
import { lockUser } from './lock-user.ts'
import { User } from './user.entity.ts'

/** The columns of an account that belong to its password. */
export type PasswordColumns = Pick<User, 'passwordHash' | 'passwordExpiresAt'>

/** Of an account that may sign in without a password. */
export const noPassword: PasswordColumns = { passwordHash: null, passwordExpiresAt: null }

export interface ReplacedPassword {
  readonly user: User
  readonly hadPassword: boolean
  readonly sessionsEnded: number
}

/**
 * Replaces the password, ends every session, and refuses each sign-in and each change of the password that
 * is under way. The caller records the event.
 * @param tx a transaction
 * @param mayReplace looks at the account while it is locked, and throws to leave it as it is
 * @returns undefined if the account is gone
 */
export async function replacePassword(
  tx: SqlEntityManager,
  userId: string,
  password: PasswordColumns,
  mayReplace?: (user: User) => Promise<void>,
): Promise<ReplacedPassword | undefined> {
  // First the row: sign-ins, links and changes of the password wait for it.
  await lockUser(tx, userId)
  const user = await tx.findOne(User, { id: userId }, { refresh: true })
  if (!user) return undefined
  await mayReplace?.(user)
  const hadPassword = user.passwordHash != null
  Object.assign(user, password)
  user.credentialVersion += 1
  await tx.flush()
  const ended = await sql`delete from sessions where user_id = ${userId}`.execute(tx.getKysely())
  return { user, hadPassword, sessionsEnded: Number(ended.numAffectedRows) }
}

/** @returns whether the account is linked to a provider that the server has */
export async function hasProvider(
  tx: SqlEntityManager,
  userId: string,
  configured: readonly string[],
): Promise<boolean> {
  return (await tx.count(Identity, { user: userId, provider: { $in: [...configured] } })) > 0
}
