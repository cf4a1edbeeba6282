/** The rotation of refresh tokens (RFC 9700 section 4.14.2), decided by one conditional update. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import type { AuditTrail } from '../audit/audit-trail.ts'
import { EventActor, EventReason, EventKind } from '../audit/event.ts'
import { TokenErrorReason } from '../errors.ts'
import { clockLeewayMilliseconds } from '../tokens/clock-leeway.ts'
import { decodeRefreshToken, type RefreshToken } from '../tokens/refresh-token.ts'
import type { DerivedKeys } from '../tokens/derived-keys.ts'
import { Session } from './session.entity.ts'
import {
  fromSessionRow,
  sessionColumns,
  type SessionRecord,
  type SessionRow,
} from './session-row.ts'
import type { RequestOrigin, SessionPolicy } from './authentication.ts'
import { invalidRefreshToken, refreshTokenReused } from './errors.ts'
import { beginningOfStep } from './last-use.ts'
import { compareOrigins, recordRepeat, type RepeatedSession } from './repeated-refresh.ts'

export interface RotationOptions {
  readonly em: SqlEntityManager
  readonly derivedKeys: DerivedKeys
  readonly policy: SessionPolicy
  readonly clock: () => number
  readonly origin: RequestOrigin
  readonly audit: AuditTrail
  /** A refresh that succeeded; one with `grace` got the successor that its token had already. */
  readonly onRefresh?: ((outcome: 'rotated' | 'grace') => void) | undefined
}

type CurrentRow = SessionRow & RepeatedSession & { readonly disabled_at: number | string | null }

/**
 * Gives the session its next generation, or the one that its token had already: see
 * `SessionService.refresh`.
 * @throws AppError INVALID_REFRESH_TOKEN, REFRESH_TOKEN_REUSED
 */
export async function rotate(text: string, options: RotationOptions): Promise<SessionRecord> {
  const { origin, clock, em, onRefresh, policy, derivedKeys } = options
  const token = decodeRefreshToken(text, derivedKeys)
  if (!token) throw invalidRefreshToken(TokenErrorReason.TOKEN_INVALID)
  const now = clock()
  // Of any number of requests with the same token exactly one finds the generation it names.
  const rotated = await sql<SessionRow>`update sessions set
      ${nextGeneration(now, policy)},
      rotated_at = ${now},
      user_agent = ${origin.userAgent ?? null},
      ip = ${origin.ip ?? null}
    where id = ${token.sessionId} and generation = ${token.generation} and expires_at > ${now}
      and exists (select 1 from users where users.id = sessions.user_id and disabled_at is null)
    returning ${sessionColumns}`.execute(em.getKysely())
  if (!rotated.rows[0]) return repeat(token, now, options)
  onRefresh?.('rotated')
  return fromSessionRow(rotated.rows[0])
}

/** The successor of a token that was replaced a moment ago. An older one ends the session. */
async function repeat(
  token: RefreshToken,
  now: number,
  options: RotationOptions,
): Promise<SessionRecord> {
  const { audit, origin, em, onRefresh, policy } = options
  const row = await readSession(em, token.sessionId)
  if (!row) throw invalidRefreshToken(TokenErrorReason.SESSION_ENDED)
  const session = fromSessionRow(row)
  if (session.expiresAt <= now) throw invalidRefreshToken(TokenErrorReason.TOKEN_EXPIRED)
  if (row.disabled_at !== null) throw invalidRefreshToken(TokenErrorReason.ACCOUNT_DISABLED)
  // Newer than ours: the database was restored from a backup. It is not a replay.
  if (token.generation >= session.generation) {
    throw invalidRefreshToken(TokenErrorReason.SESSION_ENDED)
  }
  const isPredecessor = token.generation === session.generation - 1
  const age = session.rotatedAt === null ? Number.NaN : now - session.rotatedAt
  // What is further ahead than another clock can be was written before ours was set back.
  const isInGrace = age <= policy.graceSeconds * 1000 && age >= -clockLeewayMilliseconds
  const change = compareOrigins(row, origin)
  // Another browser in another network at once is neither another tab nor a client that moved.
  const isElsewhere = isPredecessor && isInGrace && change.browser && change.network
  if (!isPredecessor || !isInGrace || isElsewhere) {
    await revokeReused(session, isElsewhere, options)
    throw refreshTokenReused()
  }
  await recordRepeat(em, audit, row, change)
  onRefresh?.('grace')
  return session
}

async function readSession(em: SqlEntityManager, id: string): Promise<CurrentRow | undefined> {
  const { rows } = await sql<CurrentRow>`
    select ${sessionColumns}, sessions.user_agent, sessions.ip, sessions.repeated_generation,
      sessions.reported_generation, users.disabled_at
    from sessions join users on users.id = sessions.user_id
    where sessions.id = ${id}`.execute(em.getKysely())
  return rows[0]
}

/** Committed before the error is thrown, so that the session is of no use to anyone who sees the error. */
async function revokeReused(
  session: SessionRecord,
  isElsewhere: boolean,
  { audit, em }: RotationOptions,
): Promise<void> {
  await audit.transactional(em, async (tx, record) => {
    // Of several replays at once, one finds the session.
    if ((await tx.nativeDelete(Session, { id: session.id })) === 0) return
    await record({
      type: EventKind.REFRESH_TOKEN_REUSED,
      userId: session.userId,
      actor: EventActor.ANONYMOUS,
      ...(isElsewhere ? { reason: EventReason.ANOTHER_ORIGIN } : {}),
      sessionId: session.id,
      sessionsEnded: 1,
    })
  })
}

/** What every new refresh token changes in the session's row: its generation and its times of use. */
export function nextGeneration(now: number, policy: SessionPolicy) {
  const idleEnd = now + policy.idleLifetimeSeconds * 1000
  return sql`generation = generation + 1,
      used_before = case when last_used_at < ${beginningOfStep(now, policy)}
        then last_used_at else used_before end,
      last_used_at = ${now},
      expires_at = case when ends_at < ${idleEnd} then ends_at else ${idleEnd} end`
}
