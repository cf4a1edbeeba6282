/** Changes of what belongs to one user, one after the other. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import { User } from './user.entity.ts'

/**
 * Locks the user's row until the transaction ends. A transaction that revokes several sessions of a user
 * does so first, or writes that row first: two that revoke each other's would wait for each other.
 * @param tx a transaction
 */
export async function lockUser(tx: SqlEntityManager, userId: string): Promise<void> {
  await tx.nativeUpdate(User, { id: userId }, { id: userId })
}

/**
 * Locks the user's row, then reads it: no other transaction changes what is read.
 * @param tx a transaction
 */
export async function readLockedUser(tx: SqlEntityManager, userId: string): Promise<User | null> {
  await lockUser(tx, userId)
  return tx.findOne(User, { id: userId }, { refresh: true })
}

/**
 * Revokes every session of a user whose row is locked. A statement rather than a call of core/sessions,
 * which is built on core/users.
 * @returns how many there were
 */
export async function deleteSessions(tx: SqlEntityManager, userId: string): Promise<number> {
  const deleted = await sql`delete from sessions where user_id = ${userId}`.execute(tx.getKysely())
  return Number(deleted.numAffectedRows)
}
