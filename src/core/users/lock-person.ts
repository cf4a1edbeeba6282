/** One after the other, where several want to change what belongs to one person. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { User } from './user.entity.ts'

/**
 * Takes the person's row until the transaction ends. Whoever ends several sessions of a person does so
 * first, or writes that row first: two that end each other's would wait for each other.
 * @param tx a transaction
 */
export async function lockPerson(tx: SqlEntityManager, userId: string): Promise<void> {
  await tx.nativeUpdate(User, { id: userId }, { id: userId })
}
