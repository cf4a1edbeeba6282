// How far the audit trail reaches back, and that nobody can make it grow without end.
import { describe, expect, it } from 'vitest'
import { EventIds } from '../../src/audit/event-id.ts'
import { eventsPerAccount } from '../../src/audit/retention.ts'
import { eventsOf, inWords } from '../support/audit.ts'
import { startServer, type TestServer } from '../support/server.ts'

const hour = 3600

/** So many refused sign-ins, a second apart from one another, the last of them now. */
async function insertFailures(
  server: TestServer,
  userId: string | null,
  count: number,
): Promise<void> {
  const ids = new EventIds()
  const perStatement = 500
  for (let begin = 0; begin < count; begin += perStatement) {
    const indexes = Array.from(
      { length: Math.min(perStatement, count - begin) },
      (_, index) => begin + index,
    )
    const rows = indexes.map((index) => {
      const time = server.now() - (count - index) * 1000
      const owner = userId === null ? 'null' : `'${userId}'`
      return `('${ids.next(time)}', 'SIGN_IN_FAILED', ${time}, ${owner}, 'ANONYMOUS', 'n${index}')`
    })
    await server.database.query(
      `insert into audit_events (id, type, occurred_at, user_id, actor, user_agent) values ${rows.join(', ')}`,
    )
  }
}

describe('the audit trail', () => {
  it('loses what is older than the retention, and nothing else', async () => {
    const server = await startServer({ AUDIT_RETENTION: '2h' })
    const { user, email } = await server.client.register()
    server.advance(hour)
    await server.client.login(email, 'not the password')
    await server.client.login('nobody@example.com', 'not the password')
    server.advance(hour - 60)
    await server.maintain()
    expect(await eventsOf(server, user.id)).toHaveLength(3)
    server.advance(120)
    await server.maintain()
    expect(inWords(await eventsOf(server, user.id))).toEqual([
      'SIGN_IN_FAILED WRONG_PASSWORD password by ANONYMOUS',
    ])
    expect(await eventsOf(server, null)).toHaveLength(1)
    server.advance(hour)
    await server.maintain()
    expect(await server.database.query('select id from audit_events')).toEqual([])
  })

  it('keeps the newest of an account, however much happens to it', async () => {
    const server = await startServer()
    const flooded = await server.client.register()
    const bystander = await server.client.register()
    await insertFailures(server, flooded.user.id, eventsPerAccount + 700)
    await server.client.login(flooded.email, 'not the password')
    await server.maintain()
    const events = await eventsOf(server, flooded.user.id)
    expect(events).toHaveLength(eventsPerAccount)
    expect(events[0]!.user_agent).toBe('n703')
    expect(events.at(-1)!.user_agent).toBe('node')
    expect(await eventsOf(server, bystander.user.id)).toHaveLength(2)
  })

  it('keeps the newest of all failures that name no account, and what operators did', async () => {
    const server = await startServer()
    const { user } = await server.client.register()
    await server.database.query(
      "insert into audit_events (id, type, occurred_at, actor) values (?, 'KEYS_RESET', ?, 'OPERATOR')",
      [new EventIds().next(server.now() - 10 * hour * 1000), server.now() - 10 * hour * 1000],
    )
    await insertFailures(server, null, eventsPerAccount + 300)
    await server.maintain()
    const events = await eventsOf(server, null)
    expect(events).toHaveLength(eventsPerAccount + 1)
    expect(events.slice(0, 2)).toMatchObject([{ type: 'KEYS_RESET' }, { user_agent: 'n300' }])
    expect(await eventsOf(server, user.id)).toHaveLength(2)
  })
})
