/** Whether the session of a request is still alive when its change is about to be committed. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import { AppError, ErrorCode } from '../errors.ts'
import { lockUser } from '../users/lock-user.ts'
import type { SessionReference } from './authentication.ts'
import { accountDisabled, sessionEnded } from './errors.ts'

/**
 * Locks the user's row, then checks the session. Two statements: on PostgreSQL, one that has waited for the
 * lock sees the other tables as they were before it waited, and with them a session that has ended.
 * @param tx a transaction
 * @throws AppError UNAUTHENTICATED (SESSION_ENDED, ACCOUNT_DISABLED)
 */
export async function lockLiveSession(
  tx: SqlEntityManager,
  { sessionId, userId }: SessionReference,
  now: number,
): Promise<void> {
  await lockUser(tx, userId)
  const { rows } = await sql`select 1 from sessions join users on users.id = sessions.user_id
    where sessions.id = ${sessionId} and users.id = ${userId}
      and users.disabled_at is null and sessions.expires_at > ${now}`.execute(tx.getKysely())
  if (rows.length === 0) throw await refusalOf(tx, { sessionId, userId }, now)
}

/**
 * Why a change was refused that did not find the account as the request had seen it. Only a session that
 * has ended is reported as ended: a client forgets its tokens then.
 * @param tx a transaction in which the user's row was looked for
 */
export async function refusalOf(
  tx: SqlEntityManager,
  { sessionId, userId }: SessionReference,
  now: number,
): Promise<AppError> {
  const { rows } = await sql<{ disabled_at: unknown }>`select users.disabled_at
    from sessions join users on users.id = sessions.user_id
    where sessions.id = ${sessionId} and users.id = ${userId}
      and (sessions.expires_at > ${now} or users.disabled_at is not null)`.execute(tx.getKysely())
  const [row] = rows
  if (!row) return sessionEnded()
  if (row.disabled_at !== null) return accountDisabled()
  return new AppError(
    ErrorCode.INVALID_CREDENTIALS,
    'The credentials of this account have just been changed. Try again.',
  )
}
