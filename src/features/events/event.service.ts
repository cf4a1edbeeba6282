/** A user's own events, a page at a time. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import type { ReadStale } from '../../database/replicas.ts'
import { badUserInput } from '../../core/errors.ts'
import { AuditEvent } from '../../core/audit/audit-event.entity.ts'
import { formatUuid } from '../../core/audit/event-id.ts'

export const largestPage = 100

export interface EventPage {
  readonly events: readonly AuditEvent[]
  readonly hasNextPage: boolean
}

export class EventService {
  readonly #em: SqlEntityManager
  readonly #readStale: ReadStale

  constructor(em: SqlEntityManager, readStale: ReadStale) {
    this.#em = em
    this.#readStale = readStale
  }

  /**
   * The newest first. A cursor is a place in time, so that what happens meanwhile, or is removed,
   * moves nothing.
   * @throws AppError BAD_USER_INPUT
   */
  async page(userId: string, first: number, after: string | undefined): Promise<EventPage> {
    if (first < 1 || first > largestPage) {
      throw badUserInput('first', `A page has 1 to ${largestPage} events.`)
    }
    const behind = after === undefined ? undefined : decodeCursor(after)
    const events = await this.#readStale((connectionType) =>
      this.#em.find(
        AuditEvent,
        { userId, ...(behind !== undefined && { id: { $lt: behind } }) },
        { orderBy: { id: 'desc' }, limit: first + 1, connectionType },
      ),
    )
    return { events: events.slice(0, first), hasNextPage: events.length > first }
  }
}

export function encodeCursor(eventId: string): string {
  return Buffer.from(eventId.replaceAll('-', ''), 'hex').toString('base64url')
}

/** @throws AppError BAD_USER_INPUT */
function decodeCursor(cursor: string): string {
  const bytes = /^[\w-]{22}$/.test(cursor) ? Buffer.from(cursor, 'base64url') : undefined
  // Spelt in one way only: the last character has four bits that say nothing.
  if (bytes?.toString('base64url') !== cursor) {
    throw badUserInput('after', 'Invalid cursor.')
  }
  return formatUuid(bytes)
}
