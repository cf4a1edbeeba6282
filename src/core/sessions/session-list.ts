/** The sessions of a user, with the times that may be shown of them. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import type { SessionPolicy } from './authentication.ts'
import { shownTimes } from './last-use.ts'
import { Session } from './session.entity.ts'

export interface ListedSession {
  readonly session: Session
  readonly lastUsedAt: number
  readonly expiresAt: number
}

/**
 * Lists the sessions that are still alive, the one used last first. Neither the times nor the order show
 * the moment of a refresh: see `last-use.ts`.
 */
export async function listSessions(
  userId: string,
  { em, now, policy }: { em: SqlEntityManager; now: number; policy: SessionPolicy },
): Promise<ListedSession[]> {
  const sessions = await em.find(Session, { user: userId, expiresAt: { $gt: now } })
  return sessions
    .map((session) => ({ session, ...shownTimes(session, policy, now) }))
    .toSorted(
      (one, other) =>
        other.lastUsedAt - one.lastUsedAt ||
        other.session.createdAt - one.session.createdAt ||
        (one.session.id < other.session.id ? -1 : 1),
    )
}
