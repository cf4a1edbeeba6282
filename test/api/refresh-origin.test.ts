// Where a repeated refresh comes from, and that no one can time one unseen (docs/adr/0035).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sinceSignUp } from '../support/audit.ts'
import { startServer, type TestServer } from '../support/server.ts'

const hour = 3600
const refresh = `mutation ($token: String) {
  refreshToken(refreshToken: $token) { accessToken refreshToken }
}`
const browser = { 'user-agent': 'Browser/1.0', 'x-forwarded-for': '203.0.113.7' }

let server: TestServer
beforeAll(async () => (server = await startServer({ TRUST_PROXY: '1' })))
afterAll(() => server.close())

describe('a refresh token that comes back within the grace window', () => {
  /** One that was rotated by the browser above, and its successor. */
  const rotated = async () => {
    const { user, refreshToken } = await server.client.register()
    const answer = await server.client.send(refresh, { token: refreshToken }, browser)
    return { user, token: refreshToken, successor: answer.data.refreshToken.refreshToken as string }
  }
  const repeatsOf = async (userId: string) =>
    (await server.database.query('select repeats from sessions where user_id = ?', [userId]))[0]
      ?.repeats

  it('from the same browser is two tabs, or a lost response: counted, and no event', async () => {
    const { user, token, successor } = await rotated()
    for (let tab = 0; tab < 3; tab += 1) {
      const answer = await server.client.send(refresh, { token }, browser)
      expect(answer.data.refreshToken.refreshToken).toBe(successor)
    }
    expect(await repeatsOf(user.id)).toBe(1)
    expect(await sinceSignUp(server, user.id)).toEqual([])
  })

  it.each([
    ['another network, as of a phone that moves', { 'x-forwarded-for': '198.51.100.9' }],
    ['another User-Agent', { 'user-agent': 'Thief/1.0' }],
    ['no User-Agent', { 'user-agent': '' }],
  ])('from %s is reported once, and the session continues', async (_what, change) => {
    const { user, token, successor } = await rotated()
    const attempts = [1, 2, 3].map(() =>
      server.client.send(refresh, { token }, { ...browser, ...change }),
    )
    for (const answer of await Promise.all(attempts)) {
      expect(answer.data.refreshToken.refreshToken).toBe(successor)
    }
    expect(await sinceSignUp(server, user.id)).toEqual(['REFRESH_TOKEN_REPEATED by ANONYMOUS'])
    // After the next rotation, a repeat is news again.
    await server.client.send(refresh, { token: successor }, browser)
    await server.client.send(refresh, { token: successor }, { ...browser, ...change })
    expect(await sinceSignUp(server, user.id)).toHaveLength(2)
    expect(await repeatsOf(user.id)).toBe(2)
  })

  it('is reported although a second tab of the owner repeated it first', async () => {
    const { user, token } = await rotated()
    await server.client.send(refresh, { token }, browser)
    await server.client.send(refresh, { token }, { ...browser, 'x-forwarded-for': '198.51.100.9' })
    expect(await sinceSignUp(server, user.id)).toEqual(['REFRESH_TOKEN_REPEATED by ANONYMOUS'])
    expect(await repeatsOf(user.id)).toBe(1)
  })

  it('from another address of the same IPv6 customer is no other network', async () => {
    const { user, refreshToken } = await server.client.register()
    const from = (address: string) =>
      server.client.send(
        refresh,
        { token: refreshToken },
        { ...browser, 'x-forwarded-for': address },
      )
    expect((await from('2001:db8:1:2::1')).errors).toBeUndefined()
    expect((await from('2001:db8:1:2:aaaa::2')).errors).toBeUndefined()
    expect(await sinceSignUp(server, user.id)).toEqual([])
  })

  it('from another browser in another network ends the session', async () => {
    const { user, token, successor } = await rotated()
    const elsewhere = { 'user-agent': 'Thief/1.0', 'x-forwarded-for': '198.51.100.9' }
    const answer = await server.client.send(refresh, { token }, elsewhere)
    expect(answer.code).toBe('REFRESH_TOKEN_REUSED')
    expect(await sinceSignUp(server, user.id)).toEqual([
      'REFRESH_TOKEN_REUSED ANOTHER_ORIGIN -1 by ANONYMOUS',
    ])
    expect(await server.client.refresh(successor)).toMatchObject({ reason: 'SESSION_ENDED' })
  })
})

describe('the list of sessions', () => {
  const shown = async (accessToken: string) => {
    const answer = await server.client
      .as(accessToken)
      .send('{ me { sessions { id createdAt lastUsedAt expiresAt } } }')
    return answer.data.me.sessions as {
      id: string
      createdAt: string
      lastUsedAt: string
      expiresAt: string
    }[]
  }
  const toNextHour = () => server.advance(hour - (Math.floor(server.now() / 1000) % hour) + 1)

  it('does not reveal the time of a refresh, neither by times nor by its order', async () => {
    toNextHour()
    const account = await server.client.register()
    server.advance(60)
    const other = (await server.client.login(account.email, account.password)).data.login
    server.advance(3 * hour)
    toNextHour()
    const watcher = (await server.client.login(account.email, account.password)).data.login
    server.advance(600)
    const before = await shown(watcher.accessToken)
    expect(await server.client.refresh(account.refreshToken)).toMatchObject({ errors: undefined })
    expect(await shown(watcher.accessToken)).toEqual(before)
    expect(await server.client.refresh(other.refreshToken)).toMatchObject({ errors: undefined })
    expect(await shown(watcher.accessToken)).toEqual(before)

    const lastHour = server.now() - (server.now() % (hour * 1000))
    toNextHour()
    const { accessToken } = (await server.client.login(account.email, account.password)).data.login
    const refreshed = (await shown(accessToken)).filter(
      ({ createdAt }) => Date.parse(createdAt) < lastHour,
    )
    expect(refreshed.map(({ lastUsedAt }) => Date.parse(lastUsedAt))).toEqual([lastHour, lastHour])
  })

  it('never shows a session that is alive as expired, however short its lifetime', async () => {
    const brief = await startServer({ SESSION_IDLE_LIFETIME: '20s', ACCESS_TOKEN_LIFETIME: '1h' })
    let tokens = await brief.client.register()
    for (let step = 0; step < 8; step += 1) {
      brief.advance(7)
      const answer = await brief.client.refresh(tokens.refreshToken)
      tokens = { ...tokens, ...answer.data.refreshToken }
      const { data } = await brief.client
        .as(tokens.accessToken)
        .send('{ me { sessions { createdAt lastUsedAt expiresAt } } }')
      const [session] = data.me.sessions
      expect(Date.parse(session.expiresAt)).toBeGreaterThan(brief.now())
      expect(Date.parse(session.lastUsedAt)).toBeGreaterThanOrEqual(Date.parse(session.createdAt))
    }
  })
})
