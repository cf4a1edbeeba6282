/** New tokens for a session whose user has proved again who they are, or has changed their credentials. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql, type Kysely } from 'kysely'
import type { CurrentKey } from '../tokens/key-ring.ts'
import { fromUserRow, userColumns, type UserRow } from '../users/user-row.ts'
import type { UserProfile } from '../users/user-profile.ts'
import type { AuthenticationMethod, SessionPolicy, SessionReference } from './authentication.ts'
import { sessionEnded } from './errors.ts'
import { nextGeneration } from './rotation.ts'
import {
  fromSessionRow,
  sessionColumns,
  type SessionRecord,
  type SessionRow,
} from './session-row.ts'

/** A session whose refresh token was replaced: `SessionService.issue` sends the new tokens after the commit. */
export interface RenewedSession {
  readonly session: SessionRecord
  readonly user: UserProfile
  readonly key: CurrentKey
}

export interface Renewal {
  /** Read before the transaction starts: what it changes must not be committed if no token can be signed. */
  readonly key: CurrentKey
  /** How the user has just proved who they are; absent if the request relies on an earlier proof. */
  readonly provenBy?: AuthenticationMethod | undefined
}

/**
 * Replaces the refresh token of a session without grace: a copy of the old one must not come by what
 * the session has gained (docs/adr/0032).
 * @param tx a transaction that has locked the user's row
 * @throws AppError UNAUTHENTICATED (SESSION_ENDED)
 */
export async function renewSession(
  tx: SqlEntityManager,
  { sessionId, userId }: SessionReference,
  { key, provenBy }: Renewal,
  { clock, policy }: { readonly clock: () => number; readonly policy: SessionPolicy },
): Promise<RenewedSession> {
  const kysely = tx.getKysely() as Kysely<unknown>
  const now = clock()
  const proof = provenBy
    ? sql`, authenticated_at = ${now}, amr = ${JSON.stringify(provenBy.amr)},
        authenticated_by = ${provenBy.method}`
    : sql``
  const renewed = await sql<SessionRow>`update sessions
    set ${nextGeneration(now, policy)}, rotated_at = null${proof}
    where id = ${sessionId} and user_id = ${userId} and expires_at > ${now}
    returning ${sessionColumns}`.execute(kysely)
  const read = await sql<UserRow>`select ${sql.raw(userColumns)} from users
    where users.id = ${userId}`.execute(kysely)
  const [sessionRow, userRow] = [renewed.rows[0], read.rows[0]]
  if (!sessionRow || !userRow) throw sessionEnded()
  return { session: fromSessionRow(sessionRow), user: fromUserRow(userRow), key }
}
