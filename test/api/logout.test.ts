import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Tokens } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

const logoutWith = 'mutation ($t: String) { logout(refreshToken: $t) }'

describe('logout', () => {
  let servers: [TestServer, TestServer]
  beforeAll(async () => {
    const server = await startServer()
    servers = [server, await server.sibling()]
  })
  afterAll(() => servers[0].close())

  /** An account with three sessions. */
  const threeSessions = async (): Promise<[Tokens, Tokens, Tokens]> => {
    const { client } = servers[0]
    const account = await client.register()
    const login = async () => (await client.login(account.email, account.password)).data.login
    return [account, await login(), await login()]
  }
  /** Which of the sessions live, as both servers see them by access and by refresh token. */
  const alive = async (...sessions: Tokens[]) => {
    const states = []
    for (const { accessToken, refreshToken } of sessions) {
      const [here, there, refresh] = await Promise.all([
        servers[0].client.as(accessToken).send('{ protected }'),
        servers[1].client.as(accessToken).send('{ protected }'),
        servers[1].client.refresh(refreshToken),
      ])
      const reasons = [here.reason, there.reason, refresh.reason]
      if (reasons.every((reason) => reason === undefined)) states.push(true)
      else if (reasons.every((reason) => reason === 'SESSION_ENDED')) states.push(false)
      else states.push(reasons)
    }
    return states
  }

  // ASVS 7.4.1; CVE-2025-4643.
  it('ends the session of the access token at once, on every server, and no other', async () => {
    const [first, second, third] = await threeSessions()
    const answer = await servers[0].client.as(first.accessToken).send('mutation { logout }')
    expect(answer.data).toEqual({ logout: true })
    expect(await alive(first, second, third)).toEqual([false, true, true])
  })

  it('takes an access token that has expired, and no other bad one', async () => {
    const [first, second] = await threeSessions()
    servers[0].advance(16 * 60)
    const changed = `${first.accessToken.slice(0, -9)}AAAAAAAAA`
    for (const token of [first.accessToken, changed]) {
      const answer = await servers[0].client.as(token).send('{ protected }')
      expect(answer.reason).toBe(token === changed ? 'TOKEN_INVALID' : 'TOKEN_EXPIRED')
    }
    const logout = (token: string) => servers[0].client.as(token).send('mutation { logout }')
    expect((await logout(changed)).data).toEqual({ logout: true })
    const refreshed = (await servers[0].client.refresh(first.refreshToken)).data.refreshToken
    expect(await alive(refreshed)).toEqual([true])
    expect((await logout(first.accessToken)).data).toEqual({ logout: true })
    expect(await alive(refreshed)).toEqual([false])
    const other = (await servers[0].client.refresh(second.refreshToken)).data.refreshToken
    expect(await alive(other)).toEqual([true])
  })

  it('takes a refresh token as its argument, also one that was replaced', async () => {
    const [first, second, third] = await threeSessions()
    const logout = (t: string) => servers[0].client.send(logoutWith, { t })
    expect((await logout(first.refreshToken)).data).toEqual({ logout: true })
    const replaced = (await servers[0].client.refresh(second.refreshToken)).data.refreshToken
    servers[0].advance(60)
    expect((await logout(second.refreshToken)).data).toEqual({ logout: true })
    expect(await alive(first, replaced, third)).toEqual([false, false, true])
  })

  it('ends both where token and argument name two', async () => {
    const [first, second, third] = await threeSessions()
    const t = second.refreshToken
    await servers[0].client.as(first.accessToken).send(logoutWith, { t })
    expect(await alive(first, second, third)).toEqual([false, false, true])
  })

  // RFC 7009 section 2.2: an unknown token is not an error.
  it('is true however often it is called, and for what names no session', async () => {
    const [first, second] = await threeSessions()
    const named = servers[0].client.as(first.accessToken)
    for (let call = 0; call < 3; call += 1) {
      const answer = await named.send('mutation { logout }')
      expect(answer).toMatchObject({ status: 200, data: { logout: true } })
    }
    const nonsense = ['', ' ', 'lkr_', second.accessToken, `${second.refreshToken}=`, 'a\0b']
    for (const t of [...nonsense, null, 'x'.repeat(90_000)]) {
      expect((await servers[0].client.send(logoutWith, { t })).data).toEqual({ logout: true })
    }
    for (const authorization of ['', 'Bearer', 'Bearer x', 'Basic eDp5', first.refreshToken]) {
      const answer = await servers[0].client.send('mutation { logout }', {}, { authorization })
      expect(answer.data).toEqual({ logout: true })
    }
    expect(await alive(second)).toEqual([true])
  })

  // ASVS 7.4.5.
  it('of the others ends all but the session that asks', async () => {
    const [first, second, third] = await threeSessions()
    const [stranger] = await threeSessions()
    const answer = await servers[0].client
      .as(second.accessToken)
      .send('mutation { logout(scope: OTHERS) }')
    expect(answer.data).toEqual({ logout: true })
    expect(await alive(first, second, third, stranger)).toEqual([false, true, false, true])
  })

  it('of all ends all, and no one else’s', async () => {
    const [first, second, third] = await threeSessions()
    const [stranger] = await threeSessions()
    await servers[0].client.as(second.accessToken).send('mutation { logout(scope: ALL) }')
    expect(await alive(first, second, third, stranger)).toEqual([false, false, false, true])
  })

  it.each(['OTHERS', 'ALL'])('of %s needs a live access token', async (scope) => {
    const [first, second, third] = await threeSessions()
    const query = `mutation ($t: String) { logout(scope: ${scope}, refreshToken: $t) }`
    const without = await servers[0].client.send(query, { t: first.refreshToken })
    expect(without).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' })
    await servers[0].client.as(third.accessToken).send('mutation { logout }')
    const ended = await servers[0].client.as(third.accessToken).send(query)
    expect(ended).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'SESSION_ENDED' })
    expect(await alive(first, second)).toEqual([true, true])
    servers[0].advance(16 * 60)
    const expired = await servers[0].client.as(first.accessToken).send(query)
    expect(expired).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' })
    const rows = await servers[0].database.query('select id from sessions where user_id = ?', [
      first.user.id,
    ])
    expect(rows).toHaveLength(2)
  })
})

// CVE-2020-15223: a client that learns that a session is over must be able to rely on it.
describe('if the database refuses to end a session', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer()))
  afterEach(() => allowDeletes())
  afterAll(() => server.close())

  it.each([
    ['logout', () => 'mutation { logout }'],
    ['logout by argument', ({ refreshToken }: Tokens) => logoutBy(refreshToken)],
    ['logout of all', () => 'mutation { logout(scope: ALL) }'],
    ['revokeSession', (_: Tokens, id: string) => `mutation { revokeSession(id: "${id}") }`],
  ])('%s says so, and can be tried again', async (_name, mutation) => {
    const account = await server.client.register()
    const person = server.client.as(account.accessToken)
    const [session] = (await person.send('{ me { sessions { id } } }')).data.me.sessions
    await refuseDeletes()
    const refused = await person.send(mutation(account, session.id))
    expect(refused).toMatchObject({ data: null, code: 'INTERNAL_SERVER_ERROR' })
    expect(refused.text).not.toContain('locked away')
    expect(refused.headers.getSetCookie()).toEqual([])
    expect((await person.send('{ protected }')).errors).toBeUndefined()
    await allowDeletes()
    const again = await person.send(mutation(account, session.id))
    expect(Object.values(again.data)).toEqual([true])
    expect((await person.send('{ protected }')).reason).toBe('SESSION_ENDED')
  })

  it('a replayed refresh token is not said to have ended it', async () => {
    const first = await server.client.register()
    const second = (await server.client.refresh(first.refreshToken)).data.refreshToken
    server.advance(60)
    await refuseDeletes()
    const refused = await server.client.refresh(first.refreshToken)
    expect(refused).toMatchObject({ data: null, code: 'INTERNAL_SERVER_ERROR' })
    const answer = await server.client.as(second.accessToken).send('{ protected }')
    expect(answer.errors).toBeUndefined()
    await allowDeletes()
    expect((await server.client.refresh(first.refreshToken)).code).toBe('REFRESH_TOKEN_REUSED')
    expect((await server.client.refresh(second.refreshToken)).reason).toBe('SESSION_ENDED')
  })

  const logoutBy = (token: string) => `mutation { logout(refreshToken: "${token}") }`
  const isSqlite = () => server.database.url.startsWith('sqlite:')

  async function refuseDeletes() {
    if (isSqlite()) {
      await server.database.query(`create trigger refuse before delete on sessions
        begin select raise(abort, 'locked away'); end`)
      return
    }
    await server.database.query(`create or replace function refuse() returns trigger
      language plpgsql as $$ begin raise exception 'locked away'; end $$`)
    await server.database.query(
      'create trigger refuse before delete on sessions for each row execute function refuse()',
    )
  }

  async function allowDeletes() {
    const table = isSqlite() ? '' : ' on sessions'
    await server.database.query(`drop trigger if exists refuse${table}`)
  }
})
