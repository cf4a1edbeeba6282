/**
 * A refresh token that is used again within the grace window. Two tabs and lost responses do that, and so
 * does a thief: where the request comes from distinguishes them, as far as it can (docs/adr/0035).
 */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import type { AuditTrail } from '../audit/audit-trail.ts'
import { EventActor, EventKind } from '../audit/event.ts'
import { addressBlock } from '../throttle/address.ts'
import type { RequestOrigin } from './authentication.ts'

/** The session as the use of the token before left it. */
export interface RepeatedSession {
  readonly id: string
  readonly user_id: string
  readonly generation: number
  readonly user_agent: string | null
  readonly ip: string | null
  readonly repeated_generation: number | null
  readonly reported_generation: number | null
}

export interface RequestOriginChange {
  readonly browser: boolean
  readonly network: boolean
}

/** What is different about the request, compared with the one that rotated the token. */
export function compareOrigins(
  session: RepeatedSession,
  origin: RequestOrigin,
): RequestOriginChange {
  const { ip, user_agent } = session
  return {
    browser: (origin.userAgent ?? null) !== user_agent,
    network: ip !== null && origin.ip !== undefined && addressBlock(origin.ip) !== addressBlock(ip),
  }
}

/** Counts it in the session's row and, if the request origin differs, reports it: once for each generation. */
export async function recordRepeat(
  em: SqlEntityManager,
  audit: AuditTrail,
  session: RepeatedSession,
  { browser, network }: RequestOriginChange,
): Promise<void> {
  const { id, generation } = session
  if (!browser && !network) {
    if (session.repeated_generation === generation) return
    await sql`update sessions set repeats = repeats + 1, repeated_generation = ${generation}
      where id = ${id} and coalesce(repeated_generation, -1) < ${generation}`.execute(
      em.getKysely(),
    )
    return
  }
  if (session.reported_generation === generation) return
  await audit.transactional(em, async (tx, record) => {
    const reported = await sql`update sessions set
        repeats = repeats + case when coalesce(repeated_generation, -1) < ${generation} then 1 else 0 end,
        repeated_generation = ${generation}, reported_generation = ${generation}
      where id = ${id} and coalesce(reported_generation, -1) < ${generation}`.execute(
      tx.getKysely(),
    )
    if (reported.numAffectedRows === 0n) return
    await record({
      type: EventKind.REFRESH_TOKEN_REPEATED,
      userId: session.user_id,
      actor: EventActor.ANONYMOUS,
      sessionId: id,
    })
  })
}
