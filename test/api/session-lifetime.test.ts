import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

const hour = 3600

/** What a refresh says, and what an access token of the session opens. */
async function state(server: TestServer, tokens: { refreshToken: string; accessToken: string }) {
  const me = await server.client.as(tokens.accessToken).send('{ protected }')
  const refresh = await server.client.refresh(tokens.refreshToken)
  return {
    access: me.reason ?? 'open',
    refresh: refresh.reason ?? refresh.code ?? 'open',
    tokens: refresh.data?.refreshToken ?? tokens,
  }
}

// ASVS 7.3.1, 7.3.2 and 10.4.8.
describe('the lifetime of a session', () => {
  const lifetimes = {
    ACCESS_TOKEN_LIFETIME: '24h',
    SESSION_IDLE_LIFETIME: '2h',
    SESSION_MAX_LIFETIME: '5h',
  }

  it('ends when the session was idle for too long, and its access token with it', async () => {
    const server = await startServer(lifetimes)
    const account = await server.client.register()
    server.advance(2 * hour - 30)
    const used = await state(server, account)
    expect(used).toMatchObject({ access: 'open', refresh: 'open' })
    server.advance(2 * hour - 30)
    const usedAgain = await state(server, used.tokens)
    expect(usedAgain).toMatchObject({ access: 'open', refresh: 'open' })
    server.advance(2 * hour + 1)
    expect(await state(server, usedAgain.tokens)).toMatchObject({
      access: 'SESSION_ENDED',
      refresh: 'TOKEN_EXPIRED',
    })
    // The same account signs in as before.
    expect((await server.client.login(account.email, account.password)).errors).toBeUndefined()
  })

  it('ends at its last millisecond, not after it', async () => {
    const server = await startServer(lifetimes)
    const account = await server.client.register()
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const expireAt = (time: number) =>
      server.database.query('update sessions set expires_at = ? where user_id = ?', [
        time,
        account.user.id,
      ])
    await expireAt(server.now())
    expect(await state(server, account)).toMatchObject({
      access: 'SESSION_ENDED',
      refresh: 'TOKEN_EXPIRED',
    })
    await expireAt(server.now() + 1)
    expect(await state(server, account)).toMatchObject({ access: 'open', refresh: 'open' })
  })

  it('ends at the absolute limit, however often it was refreshed', async () => {
    const server = await startServer(lifetimes)
    let tokens: { accessToken: string; refreshToken: string; refreshExpiresIn?: number } =
      await server.client.register()
    for (let passed = hour; passed < 5 * hour; passed += hour) {
      server.advance(hour)
      const { access, refresh, tokens: next } = await state(server, tokens)
      expect({ access, refresh }).toEqual({ access: 'open', refresh: 'open' })
      tokens = next
    }
    // What is promised never goes past the limit.
    expect(tokens.refreshExpiresIn).toBeGreaterThan(hour - 60)
    expect(tokens.refreshExpiresIn).toBeLessThanOrEqual(hour)
    server.advance(hour)
    expect(await state(server, tokens)).toMatchObject({
      access: 'SESSION_ENDED',
      refresh: 'TOKEN_EXPIRED',
    })
  })

  it('is not prolonged by the grace window', async () => {
    const server = await startServer({ ...lifetimes, SESSION_IDLE_LIFETIME: '20s' })
    const { refreshToken } = await server.client.register()
    expect((await server.client.refresh(refreshToken)).errors).toBeUndefined()
    server.advance(21)
    expect(await server.client.refresh(refreshToken)).toMatchObject({
      code: 'INVALID_REFRESH_TOKEN',
      reason: 'TOKEN_EXPIRED',
    })
  })
})

describe('maintenance', () => {
  it('removes sessions whose time is over, on two servers at once, and no other', async () => {
    const server = await startServer({ SESSION_IDLE_LIFETIME: '2h' })
    const sibling = await server.sibling()
    const old = await server.client.register()
    server.advance(hour + 60)
    const live = await server.client.login(old.email, old.password)
    server.advance(hour)
    await Promise.all([server.maintain(), sibling.maintain(), server.maintain()])
    const rows = await server.database.query('select id from sessions')
    expect(rows).toHaveLength(1)
    expect(await state(sibling, live.data.login)).toMatchObject({ refresh: 'open' })
    expect(await state(sibling, old)).toMatchObject({ refresh: 'SESSION_ENDED' })
  })
})

// ASVS 7.1.2: the number of sessions of one user is bounded.
describe('a user with a hundred sessions', () => {
  it('loses the one unused for longest by another sign-in, and no one else loses any', async () => {
    const server = await startServer()
    const bystander = await server.client.register()
    const account = await server.client.register()
    const login = async () =>
      (await server.client.login(account.email, account.password)).data.login as typeof account
    const oldest = await login()
    server.advance(1)
    const others = [account]
    while (others.length < 99) others.push(await login())
    server.advance(1)
    // Refreshed, hence no longer the one unused for longest.
    others[0] = { ...account, ...(await state(server, account)).tokens }
    expect(await sessionCount(server, oldest.accessToken)).toBe(100)
    const newest = await login()
    expect(await sessionCount(server, newest.accessToken)).toBe(100)
    expect(await state(server, oldest)).toMatchObject({
      access: 'SESSION_ENDED',
      refresh: 'SESSION_ENDED',
    })
    for (const tokens of [...others.slice(0, 3), newest, bystander]) {
      expect(await state(server, tokens)).toMatchObject({ access: 'open', refresh: 'open' })
    }
  })

  it('does not lose the sign-in of this moment to a server whose clock is ahead', async () => {
    const server = await startServer()
    const account = await server.client.register()
    const soon = server.now() + 5000
    const end = soon + hour * 1000
    const ids = Array.from({ length: 100 }, (_, index) => String(index).padStart(22, 'x'))
    await server.database.query(
      `insert into sessions
        (id, user_id, method, generation, created_at, last_used_at, expires_at, ends_at)
        values ${ids.map(() => "(?, ?, 'password', 0, ?, ?, ?, ?)").join(', ')}`,
      ids.flatMap((id) => [id, account.user.id, soon, soon, end, end]),
    )
    const newest = (await server.client.login(account.email, account.password)).data.login
    expect(await state(server, newest)).toMatchObject({ access: 'open', refresh: 'open' })
    expect(await sessionCount(server, newest.accessToken)).toBe(100)
  })

  async function sessionCount(server: TestServer, accessToken: string) {
    const answer = await server.client.as(accessToken).send('{ me { sessions { id } } }')
    return answer.data.me.sessions.length
  }
})
