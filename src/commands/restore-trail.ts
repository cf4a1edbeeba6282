/** The audit trail's record of a restore. */
import { EventActor, EventKind } from '../core/audit/event.ts'
import type { Database } from '../database/database.ts'
import { operatorTrail } from './operator-trail.ts'

/** @param sessionsEnded those of the database that was there; absent if it cannot be read */
export function recordRestore(
  database: Database,
  sessionsEnded: number | undefined,
): Promise<void> {
  return operatorTrail().record(database.em.fork(), {
    type: EventKind.DATABASE_RESTORED,
    userId: null,
    actor: EventActor.OPERATOR,
    ...(sessionsEnded !== undefined && { sessionsEnded }),
  })
}
