/** Events of all users, for operators. */
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { EventActor, EventReason, EventKind } from './event.ts'
import { lowestEventId } from './event-id.ts'

export interface EventFilter {
  readonly userId?: string | undefined
  readonly types?: readonly EventKind[] | undefined
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined
  readonly limit: number
}

export interface ListedEvent {
  readonly type: EventKind
  /** Milliseconds since the epoch. */
  readonly occurredAt: number
  readonly userId: string | null
  /** The user's, as it is now; null if the user is gone. */
  readonly email: string | null
  readonly actor: EventActor
  readonly operator: string | null
  readonly reason: EventReason | null
  readonly method: string | null
  readonly role: string | null
  readonly sessionId: string | null
  readonly sessionsEnded: number | null
  readonly ip: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
}

interface Row extends Omit<ListedEvent, 'occurredAt'> {
  /** PostgreSQL gives a bigint as a string. */
  readonly occurredAt: number | string
}

/** @returns the newest first */
export async function listEvents(
  { kysely }: { readonly kysely: Kysely<unknown> },
  filter: EventFilter,
): Promise<ListedEvent[]> {
  const conditions = conditionsOf(filter)
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`
  const { rows } = await sql<Row>`select e.type, e.occurred_at as "occurredAt",
      e.user_id as "userId", users.email, e.actor, e.operator, e.reason, e.method, e.role,
      e.session_id as "sessionId", e.sessions_ended as "sessionsEnded", e.ip,
      e.user_agent as "userAgent", e.request_id as "requestId"
    from audit_events e left join users on users.id = e.user_id
    ${where} order by e.id desc limit ${filter.limit}`.execute(kysely)
  return rows.map((row) => ({ ...row, occurredAt: Number(row.occurredAt) }))
}

function conditionsOf({ since, types, userId }: EventFilter): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = []
  if (userId !== undefined) conditions.push(sql`e.user_id = ${userId}`)
  if (types !== undefined) conditions.push(sql`e.type in (${sql.join(types)})`)
  if (since !== undefined) conditions.push(sql`e.id >= ${lowestEventId(since)}`)
  return conditions
}
