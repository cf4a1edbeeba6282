/** A sign-in takes the place of the session whose cookie it overwrites (ASVS 7.2.4). */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import type { RecordEvent } from '../audit/audit-trail.ts'
import { EventActor, EventReason, EventKind } from '../audit/event.ts'
import type { RefreshToken } from '../tokens/refresh-token.ts'

/**
 * Revokes that session, whichever user it belongs to: no one would have its token any more.
 * @param token one that this server issued, from a cookie that the request may use
 * @param now milliseconds since the epoch
 */
export async function revokeReplacedSession(
  tx: SqlEntityManager,
  record: RecordEvent,
  token: RefreshToken,
  now: number,
): Promise<void> {
  // Of a later generation than the row's: the database was restored from a backup.
  const { rows } = await sql<{ user_id: string }>`delete from sessions
    where id = ${token.sessionId} and generation >= ${token.generation} and expires_at > ${now}
    returning user_id`.execute(tx.getKysely())
  const [ended] = rows
  if (!ended) return
  await record({
    type: EventKind.SESSION_ENDED,
    userId: ended.user_id,
    actor: EventActor.ACCOUNT,
    reason: EventReason.REPLACED,
    sessionId: token.sessionId,
    sessionsEnded: 1,
  })
}
