/** What users say of themselves. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { AppError, ErrorCode, TokenErrorReason } from '../errors.ts'
import { checkName } from './name.ts'
import { User } from './user.entity.ts'
import type { UserProfile } from './user-profile.ts'

/**
 * @param changes.name null or blank clears it; undefined leaves it
 * @throws AppError BAD_USER_INPUT; UNAUTHENTICATED if the account was deleted meanwhile
 */
export async function updateProfile(
  em: SqlEntityManager,
  user: UserProfile,
  changes: { readonly name: string | null | undefined },
): Promise<UserProfile> {
  if (changes.name === undefined) return user
  const name = checkName(changes.name ?? undefined) ?? null
  const updated = await em.nativeUpdate(User, { id: user.id }, { name })
  if (updated === 0) {
    throw new AppError(ErrorCode.UNAUTHENTICATED, 'The account no longer exists.', {
      reason: TokenErrorReason.SESSION_ENDED,
    })
  }
  return { ...user, name }
}
