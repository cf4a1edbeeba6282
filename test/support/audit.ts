/** What the audit trail has, past the server. */
import { expect } from 'vitest'
import type { TestServer } from './server.ts'

export interface StoredEvent {
  readonly type: string
  readonly actor: string
  readonly reason: string | null
  readonly method: string | null
  readonly role: string | null
  readonly session_id: string | null
  readonly sessions_ended: number | null
  readonly user_id: string | null
  readonly operator: string | null
  readonly ip: string | null
  readonly user_agent: string | null
  readonly request_id: string | null
}

/** @returns the events of an account in their order; of none for null */
export async function eventsOf(
  server: Pick<TestServer, 'database'>,
  userId: string | null,
): Promise<StoredEvent[]> {
  const rows = await (userId === null
    ? server.database.query('select * from audit_events where user_id is null order by id')
    : server.database.query('select * from audit_events where user_id = ? order by id', [userId]))
  return rows as unknown as StoredEvent[]
}

/** A few words for each event: `SIGN_IN_FAILED WRONG_PASSWORD password`. */
export function inWords(events: readonly StoredEvent[]): string[] {
  return events.map((event) =>
    [
      event.type,
      event.reason,
      event.method,
      event.role,
      event.sessions_ended !== null && `-${event.sessions_ended}`,
      event.actor === 'ACCOUNT' ? '' : `by ${event.actor}`,
    ]
      .filter(Boolean)
      .join(' '),
  )
}

export const signedUp = ['ACCOUNT_CREATED password', 'SIGNED_IN password']

/** What has happened to the account since it was made, in words. */
export async function sinceSignUp(
  server: Pick<TestServer, 'database'>,
  userId: string,
): Promise<string[]> {
  const words = inWords(await eventsOf(server, userId))
  expect(words.slice(0, 2)).toEqual(signedUp)
  return words.slice(2)
}

/** What the log says of events, each as it was written. */
export function loggedEvents(server: Pick<TestServer, 'logText'>): Record<string, unknown>[] {
  return server
    .logText()
    .split('\n')
    .filter((line) => line.includes('"msg":"audit"'))
    .map((line) => {
      const { level, event, requestId } = JSON.parse(line)
      expect(level).toBe('info')
      return { ...event, requestId }
    })
}
