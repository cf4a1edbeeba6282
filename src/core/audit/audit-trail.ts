/** Records who did what, when and from where; in the transaction of the action, if there is one. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql } from 'kysely'
import { repeatableEvents, type EventActor, type EventReason, type EventKind } from './event.ts'
import { lowestEventId, type EventIds } from './event-id.ts'

/** What happened, without when and from where. */
export interface NewEvent {
  readonly type: EventKind
  /** Whose account it is about, if there is one. */
  readonly userId: string | null
  readonly actor: EventActor
  readonly reason?: EventReason
  /** `password` or a provider's id. */
  readonly method?: string
  readonly role?: string
  readonly sessionId?: string
  /** How many sessions were revoked. */
  readonly sessionsEnded?: number
}

/**
 * What the trail takes of one account in an hour of each group of events that can be caused without end:
 * refusals of all sign-in methods together, and repeated refresh tokens. Those beyond it are in the log and the metrics
 * only.
 */
export const repeatablePerHour = 100
const hourMilliseconds = 60 * 60 * 1000

/** Where it comes from: a request, or an operator's command. */
export interface EventOrigin {
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
  readonly requestId?: string | undefined
  /** Who runs the command, as their system names them. */
  readonly operator?: string | undefined
}

/** An event that is stored, with all that the log may have of it. */
export interface RecordedEvent extends NewEvent {
  readonly id: string
}

export type RecordEvent = (event: NewEvent) => Promise<void>

export interface AuditTrailOptions {
  readonly clock: () => number
  /** One for each process, so that what it records stays in its order. */
  readonly ids: EventIds
  readonly origin: EventOrigin
  /** Hears of each event once, when it can no longer be undone. */
  readonly onRecorded?: (event: RecordedEvent) => void
}

export class AuditTrail {
  readonly #options: AuditTrailOptions

  constructor(options: AuditTrailOptions) {
    this.#options = options
  }

  /** Records what no transaction is about, such as a failure. */
  async record(em: SqlEntityManager, event: NewEvent): Promise<void> {
    this.#announce(await this.#insert(em, event))
  }

  /** Runs the work in a transaction, to which what it records belongs. */
  async transactional<T>(
    em: SqlEntityManager,
    work: (tx: SqlEntityManager, record: RecordEvent) => Promise<T>,
  ): Promise<T> {
    const recorded: RecordedEvent[] = []
    const result = await em.transactional((tx) =>
      work(tx, async (event) => void recorded.push(await this.#insert(tx, event))),
    )
    for (const event of recorded) this.#announce(event)
    return result
  }

  async #insert(em: SqlEntityManager, event: NewEvent): Promise<RecordedEvent> {
    const { clock, ids, origin } = this.#options
    const now = clock()
    const id = ids.next(now)
    const kept = (value: string | undefined) => unlessDeleted(event.userId, value)
    await sql`insert into audit_events (id, type, occurred_at, user_id, actor, operator, reason,
        method, role, session_id, sessions_ended, ip, user_agent, request_id)
      select ${id}, ${event.type}, ${now}, ${event.userId}, ${event.actor},
        ${origin.operator ?? null}, ${event.reason ?? null}, ${event.method ?? null},
        ${event.role ?? null}, ${event.sessionId ?? null}, ${event.sessionsEnded ?? null},
        ${kept(origin.ip)}, ${kept(origin.userAgent)}, ${origin.requestId ?? null}
      ${withinBudget(event, now)}`.execute(em.getKysely())
    return { ...event, id }
  }

  #announce(event: RecordedEvent): void {
    this.#options.onRecorded?.(event)
  }
}

/** Nothing for what has an end. One text for every refusal, as below. */
function withinBudget({ type, userId }: NewEvent, now: number) {
  const group = repeatableEvents.find((types) => types.includes(type))
  if (!group) return sql``
  return sql`where not exists (select 1 from audit_events
    where user_id = ${userId} and id > ${lowestEventId(now - hourMilliseconds)}
      and type in (${sql.join(group)}) limit 1 offset ${repeatablePerHour - 1})`
}

/**
 * The address and the browser, unless the account was deleted since the request started. One text for
 * every event: the time of a failure must not reveal whether there is an account.
 */
function unlessDeleted(userId: string | null, value: string | undefined) {
  return sql`case when cast(${userId} as text) is null
    or exists (select 1 from users where id = ${userId}) then ${value ?? null} end`
}

/**
 * What remains of an account that is deleted: what happened and when, under its id, without address and
 * browser. Belongs to the transaction that deletes it.
 */
export async function forgetOrigins(tx: SqlEntityManager, userId: string): Promise<void> {
  await sql`update audit_events set ip = null, user_agent = null
    where user_id = ${userId}`.execute(tx.getKysely())
}
