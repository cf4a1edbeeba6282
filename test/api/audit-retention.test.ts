// How far the audit trail reaches back, and that no one can make it grow without end.
import { describe, expect, it } from 'vitest'
import { EventIds } from '../../src/core/audit/event-id.ts'
import { repeatablePerHour } from '../../src/core/audit/audit-trail.ts'
import { eventsPerAccount, repeatablePerAccount } from '../../src/core/audit/retention.ts'
import { eventsOf, inWords, loggedEvents } from '../support/audit.ts'
import { startServer, type TestServer } from '../support/server.ts'

const hour = 3600

async function refusalsOf(server: TestServer, userId: string): Promise<number> {
  return (await eventsOf(server, userId)).filter(({ type }) => type.endsWith('_FAILED')).length
}

/** So many refused sign-ins, a second apart from one another, the last of them now. */
const insertFailures = (server: TestServer, userId: string | null, count: number) =>
  insertEvents(server, userId, count, 'SIGN_IN_FAILED')

async function insertEvents(
  server: TestServer,
  userId: string | null,
  count: number,
  type: string,
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
      return `('${ids.next(time)}', '${type}', ${time}, ${owner}, 'ANONYMOUS', 'n${index}')`
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

  it('keeps the newest refusals of an account, and whatever else happened to it', async () => {
    const server = await startServer()
    const flooded = await server.client.register()
    const bystander = await server.client.register()
    server.advance(5 * hour)
    await insertFailures(server, flooded.user.id, eventsPerAccount + 700)
    await server.maintain()
    const events = await eventsOf(server, flooded.user.id)
    expect(events).toHaveLength(eventsPerAccount)
    // Older than most of the refusals.
    expect(events.filter(({ type }) => type !== 'SIGN_IN_FAILED').map(({ type }) => type)).toEqual([
      'ACCOUNT_CREATED',
      'SIGNED_IN',
    ])
    const refused = events.filter(({ type }) => type === 'SIGN_IN_FAILED')
    expect(refused[0]!.user_agent).toBe('n702')
    expect(refused.at(-1)!.user_agent).toBe(`n${eventsPerAccount + 699}`)
    expect(await eventsOf(server, bystander.user.id)).toHaveLength(2)
  })

  it('keeps the newest refusals of an account to which much else has happened', async () => {
    const server = await startServer()
    const { user } = await server.client.register()
    await insertEvents(server, user.id, eventsPerAccount, 'ROLE_GRANTED')
    await insertFailures(server, user.id, repeatablePerAccount + 100)
    await insertEvents(server, user.id, 1, 'REFRESH_TOKEN_REUSED')
    await server.maintain()
    const events = await eventsOf(server, user.id)
    expect(events).toHaveLength(eventsPerAccount)
    const refused = events.filter(({ type }) => type === 'SIGN_IN_FAILED')
    expect(refused).toHaveLength(repeatablePerAccount)
    expect(refused[0]!.user_agent).toBe('n100')
    expect(events.map(({ type }) => type)).toContain('REFRESH_TOKEN_REUSED')
  })

  it('takes so many refusals of an account in an hour, whichever door they come by', async () => {
    const server = await startServer()
    const account = await server.client.register()
    const bystander = await server.client.register()
    await insertFailures(server, account.user.id, repeatablePerHour - 1)
    const change = `mutation {
      changePassword(currentPassword: "not the password", newPassword: "another password") { tokenType }
    }`
    await server.client.login(account.email, 'not the password')
    await server.client.login(account.email, 'not the password')
    await server.client.as(account.accessToken).send(change)
    expect(await refusalsOf(server, account.user.id)).toBe(repeatablePerHour)
    // What is not a refusal has no budget, nor have the refusals of others; and the log has all of them.
    await server.client.login(account.email, account.password)
    expect((await eventsOf(server, account.user.id)).at(-1)!.type).toBe('SIGNED_IN')
    await server.client.login(bystander.email, 'not the password')
    expect(await refusalsOf(server, bystander.user.id)).toBe(1)
    expect(loggedEvents(server).filter(({ type }) => type === 'SIGN_IN_FAILED')).toHaveLength(3)

    server.advance(hour)
    await server.client.as(account.accessToken).send(change)
    const renewed = (await server.client.login(account.email, account.password)).data.login
    await server.client.as(renewed.accessToken).send(change)
    expect(await refusalsOf(server, account.user.id)).toBe(repeatablePerHour + 1)
  })

  it('takes so many repeated refresh tokens of an account in an hour, and trims them first', async () => {
    const server = await startServer({ TRUST_PROXY: '1' })
    const account = await server.client.register()
    await insertEvents(server, account.user.id, repeatablePerHour - 1, 'REFRESH_TOKEN_REPEATED')
    let token = account.refreshToken
    const repeated = async () => {
      const refresh = (from: string) =>
        server.client.send(
          'mutation ($token: String) { refreshToken(refreshToken: $token) { refreshToken } }',
          { token },
          { 'x-forwarded-for': from },
        )
      const { refreshToken } = (await refresh('203.0.113.7')).data.refreshToken
      expect((await refresh('198.51.100.9')).data.refreshToken).toEqual({ refreshToken })
      token = refreshToken
    }
    const count = async (type: string) =>
      (await eventsOf(server, account.user.id)).filter((event) => event.type === type).length
    for (let time = 0; time < 3; time += 1) await repeated()
    expect(await count('REFRESH_TOKEN_REPEATED')).toBe(repeatablePerHour)
    // Its budget is no other's, and comes back.
    await server.client.login(account.email, 'not the password')
    expect(await count('SIGN_IN_FAILED')).toBe(1)
    server.advance(hour)
    await repeated()
    expect(await count('REFRESH_TOKEN_REPEATED')).toBe(repeatablePerHour + 1)

    await insertEvents(server, account.user.id, eventsPerAccount + 100, 'REFRESH_TOKEN_REPEATED')
    await server.maintain()
    expect(await eventsOf(server, account.user.id)).toHaveLength(eventsPerAccount)
    expect([await count('ACCOUNT_CREATED'), await count('SIGNED_IN')]).toEqual([1, 1])
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
