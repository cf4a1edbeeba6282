/** Revokes sessions. The row is the session: revoking one deletes it. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import type { AuditTrail, NewEvent } from '../audit/audit-trail.ts'
import { EventActor, EventReason, EventKind } from '../audit/event.ts'
import { lockUser } from '../users/lock-user.ts'
import type { SessionReference } from './authentication.ts'
import { Session } from './session.entity.ts'

export interface RevocationOptions {
  readonly em: SqlEntityManager
  readonly audit: AuditTrail
}

const sessionIdShape = /^[\w-]{22}$/

/** Revokes the sessions with these ids, of any user. Ids of sessions that have ended are skipped. */
export async function revokeByIds(
  sessionIds: readonly string[],
  { audit, em }: RevocationOptions,
): Promise<void> {
  if (sessionIds.length === 0) return
  await audit.transactional(em, async (tx, record) => {
    const { rows } = await sql<{ id: string; user_id: string }>`delete from sessions
      where id in (${sql.join(sessionIds)}) returning id, user_id`.execute(tx.getKysely())
    for (const { id, user_id } of rows) {
      await record(sessionEndedEvent(user_id, EventReason.LOGOUT, { sessionId: id }))
    }
  })
}

/** @returns whether there was one; another user's is not found */
export async function revokeOne(
  { sessionId, userId }: SessionReference,
  { audit, em }: RevocationOptions,
): Promise<boolean> {
  if (!sessionIdShape.test(sessionId)) return false
  return audit.transactional(em, async (tx, record) => {
    const wasThere = (await tx.nativeDelete(Session, { id: sessionId, user: userId })) > 0
    if (wasThere) await record(sessionEndedEvent(userId, EventReason.REVOKED, { sessionId }))
    return wasThere
  })
}

/** Revokes all of a user's sessions, or all but one. */
export async function revokeAll(
  userId: string,
  exceptSessionId: string | undefined,
  { audit, em }: RevocationOptions,
): Promise<void> {
  const reason = exceptSessionId === undefined ? EventReason.LOGOUT_ALL : EventReason.LOGOUT_OTHERS
  await audit.transactional(em, async (tx, record) => {
    await lockUser(tx, userId)
    const sessionsEnded = await tx.nativeDelete(Session, {
      user: userId,
      ...(exceptSessionId === undefined ? {} : { id: { $ne: exceptSessionId } }),
    })
    if (sessionsEnded > 0) await record(sessionEndedEvent(userId, reason, { sessionsEnded }))
  })
}

/**
 * @param tx a transaction that has locked the user's row
 * @returns how many it revoked
 */
export async function revokeOthers(
  tx: SqlEntityManager,
  current: SessionReference,
): Promise<number> {
  const others = await sql`delete from sessions
    where user_id = ${current.userId} and id <> ${current.sessionId}`.execute(tx.getKysely())
  return Number(others.numAffectedRows)
}

function sessionEndedEvent(
  userId: string,
  reason: EventReason,
  which: { sessionId: string } | { sessionsEnded: number },
): NewEvent {
  const ended = { sessionsEnded: 1, ...which }
  return { type: EventKind.SESSION_ENDED, userId, actor: EventActor.ACCOUNT, reason, ...ended }
}
