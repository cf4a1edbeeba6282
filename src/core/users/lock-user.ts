/** Changes of what belongs to one user, one after the other. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { User } from './user.entity.ts'

/**
 * Locks the user's row until the transaction ends. A transaction that revokes several sessions of a user
 * does so first, or writes that row first: two that revoke each other's would wait for each other.
 * @param tx a transaction
 */
export async function lockUser(tx: SqlEntityManager, userId: string): Promise<void> {
  await tx.nativeUpdate(User, { id: userId }, { id: userId })
}
