/**
 * The rule against accounts that were registered with another user's e-mail (account
 * pre-hijacking): the owner of the mailbox gets the account, and nothing from before opens it.
 */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql, type Kysely } from 'kysely'
import { Role } from './role.ts'
import { deleteSessions, readLockedUser } from './lock-user.ts'
import { noPassword } from './password-columns.ts'
import type { User } from './user.entity.ts'

export type Reclaim =
  | { readonly outcome: 'reclaimed'; readonly user: User; readonly sessionsEnded: number }
  /** Nothing was changed: an operator has disabled the account, or has given it a role. */
  | { readonly outcome: 'disabled' | 'privileged' }
  /** Nothing was changed: the address has been verified, or the account is gone, since it was read. */
  | { readonly outcome: 'changed' }

/**
 * Hands the account over to the owner of its mailbox, if its address was never verified: removes its
 * password, name, sessions, identities (with their kept tokens) and unfinished flows, and refuses
 * every sign-in that is under way. The caller has seen the proof and records the event.
 * @param tx the transaction in which the caller goes on to link the proof
 * @param account.email in normal form; the proven address
 * @param account.name the owner's name, if the proof has one
 */
export async function reclaimAccount(
  tx: SqlEntityManager,
  account: { readonly userId: string; readonly email: string; readonly name: string | null },
): Promise<Reclaim> {
  const { userId, email, name } = account
  // First lock the row: sign-ins, links and changes of the password and of the roles wait for it.
  const user = await readLockedUser(tx, userId)
  if (user?.email !== email || user.emailVerified) return { outcome: 'changed' }
  if (user.disabledAt != null) return { outcome: 'disabled' }
  // An operator has trusted the user of the account, so only an operator may hand it over.
  if (user.roles.some((role) => role !== Role.USER)) return { outcome: 'privileged' }

  user.emailVerified = true
  Object.assign(user, noPassword)
  user.name = name
  user.credentialVersion += 1
  await tx.flush()
  const kysely = tx.getKysely() as Kysely<unknown>
  const sessionsEnded = await deleteSessions(tx, userId)
  await sql`delete from identities where user_id = ${userId}`.execute(kysely)
  await sql`delete from provider_flows where user_id = ${userId}`.execute(kysely)
  return { outcome: 'reclaimed', user, sessionsEnded }
}
