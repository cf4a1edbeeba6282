import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { throttled, countAccepted, freshAddress, loginFrom } from '../support/attempts.ts'
import { sinceSignUp } from '../support/audit.ts'
import { holdNext, recordHashing } from '../support/hashing.ts'
import { longAgo, sendReauthenticate, sidOf } from '../support/proof.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { decodeCompact } from '../support/signing.ts'

/** Asks for a recent proof before it asks for the provider, which is not there. */
const guarded = 'mutation { unlinkProvider(provider: "none") { id } }'

describe('reauthenticate', () => {
  let server: TestServer
  beforeAll(
    async () => (server = await startServer({ ALLOWED_ORIGINS: 'https://app.example.com' })),
  )
  afterAll(() => server.close())

  const staleUser = async () => longAgo(server, await server.client.register())
  const prove = (accessToken: string, password: unknown, headers?: Record<string, string>) =>
    sendReauthenticate(server.client.as(accessToken), password, headers)
  const isFresh = async (accessToken: string) => {
    const answer = await server.client.as(accessToken).send(guarded)
    expect(['REAUTHENTICATION_REQUIRED', 'UNKNOWN_PROVIDER']).toContain(answer.code)
    return answer.code === 'UNKNOWN_PROVIDER'
  }
  const rowOf = async (accessToken: string) =>
    (await server.database.query('select * from sessions where id = ?', [sidOf(accessToken)]))[0]!

  it('renews the proof of the same session, for as long as it lasts', async () => {
    const user = await staleUser()
    expect(await isFresh(user.accessToken)).toBe(false)
    const before = await rowOf(user.accessToken)
    const {
      accessToken,
      refreshToken,
      user: self,
    } = (await prove(user.accessToken, user.password)).data.reauthenticate
    expect(self.id).toBe(user.user.id)
    expect(sidOf(accessToken)).toBe(sidOf(user.accessToken))
    expect(await isFresh(accessToken)).toBe(true)
    const [old, claims] = [user.accessToken, accessToken].map(
      (token) => decodeCompact(token).claims,
    )
    expect(Number(claims!['auth_time']) - Number(old!['auth_time'])).toBeGreaterThan(3500)
    expect(claims!['amr']).toEqual(['pwd'])
    const refreshed = (await server.client.refresh(refreshToken)).data.refreshToken
    expect(await isFresh(refreshed.accessToken)).toBe(true)
    expect(await rowOf(accessToken)).toMatchObject({
      created_at: before['created_at'],
      expires_at: expect.anything(),
      ends_at: before['ends_at'],
      method: 'password',
    })
  })

  it('does nothing for a copy of an older access token', async () => {
    const user = await staleUser()
    await prove(user.accessToken, user.password)
    expect(await isFresh(user.accessToken)).toBe(false)
  })

  it('does nothing for the rest of its own request', async () => {
    const user = await staleUser()
    const answer = await server.client.as(user.accessToken).send(
      `mutation ($password: String!) {
        reauthenticate(password: $password) { tokenType }
        unlinkProvider(provider: "none") { id }
      }`,
      { password: user.password },
    )
    expect(answer.code).toBe('REAUTHENTICATION_REQUIRED')
  })

  // Anyone who copied the refresh token would otherwise come by the proof, within the grace window.
  it('leaves a copy of the refresh token good for nothing', async () => {
    const user = await staleUser()
    const proof = (await prove(user.accessToken, user.password)).data.reauthenticate
    expect((await server.client.refresh(user.refreshToken)).code).toBe('REFRESH_TOKEN_REUSED')
    expect((await server.client.as(proof.accessToken).send(guarded)).reason).toBe('SESSION_ENDED')
  })

  it('leaves the other sessions as they are', async () => {
    const user = await staleUser()
    const other = (await server.client.login(user.email, user.password)).data.login
    const old = await longAgo(server, other)
    await prove(user.accessToken, user.password)
    expect((await server.client.as(old.accessToken).send('{ protected }')).errors).toBeUndefined()
    expect(await isFresh(old.accessToken)).toBe(false)
  })

  it('puts the refresh token into the cookie, if it came in the cookie', async () => {
    const { email, password } = await server.client.register()
    const login = await server.client.send(
      `mutation ($email: String!, $password: String!) {
        login(email: $email, password: $password, transport: COOKIE) { accessToken } }`,
      { email, password },
    )
    const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!
    const { accessToken } = login.data.login
    const answer = await prove(accessToken, password, { cookie })
    expect(answer.data.reauthenticate.refreshToken).toBeNull()
    const [renewed] = answer.headers.getSetCookie()
    expect(renewed!.split('=')[0]).toBe(cookie.split('=')[0])
    expect(renewed!.split(';')[0]).not.toBe(cookie)
    const wrong = await prove(answer.data.reauthenticate.accessToken, 'not the password', {
      cookie,
    })
    expect([wrong.code, wrong.headers.getSetCookie()]).toEqual(['INVALID_CREDENTIALS', []])
    // A cookie of someone else's session says nothing of how this one's travels.
    const stranger = await server.client.register()
    const inBody = await prove(stranger.accessToken, stranger.password, { cookie })
    expect(inBody.data.reauthenticate.refreshToken).toMatch(/^lkr_/)
    expect(inBody.headers.getSetCookie()).toEqual([])
  })

  it.each([
    ['wrong', 'not the password'],
    ['empty', ''],
    ['in another case', 'Correct Horse Battery'],
    ['followed by a space', 'correct horse battery '],
    ['longer than bcrypt takes', 'x'.repeat(73)],
    ['much longer', 'x'.repeat(50_000)],
    ['not a text for bcrypt', 'correct horse battery\0'],
    ['half of a character', '\ud800'],
  ])('is refused with a password that is %s', async (_what, password) => {
    const user = await staleUser()
    const answer = await prove(user.accessToken, password)
    expect([answer.status, answer.code, answer.data]).toEqual([200, 'INVALID_CREDENTIALS', null])
    expect(await isFresh(user.accessToken)).toBe(false)
    expect((await server.client.refresh(user.refreshToken)).errors).toBeUndefined()
  })

  it.each([null, undefined, 7, true, ['correct horse battery'], { password: 'x' }])(
    'is refused with %j for a password, before it does anything',
    async (password) => {
      const user = await staleUser()
      const tasks = recordHashing()
      expect((await prove(user.accessToken, password)).code).toBe('BAD_USER_INPUT')
      expect(tasks).toEqual([])
    },
  )

  it('is not for the anonymous, nor for a session that has ended, and does no work for them', async () => {
    const { client } = server
    const user = await client.register()
    await client.as(user.accessToken).send('mutation { logout }')
    const tasks = recordHashing()
    const ended = await prove(user.accessToken, user.password)
    const anonymous = await sendReauthenticate(client, user.password)
    expect([ended.reason, anonymous.reason]).toEqual(['SESSION_ENDED', 'TOKEN_MISSING'])
    expect(tasks).toEqual([])
  })

  it('does the same work on an account without a password, and is refused', async () => {
    const user = await staleUser()
    await server.database.query('update users set password_hash = null where id = ?', [
      user.user.id,
    ])
    const tasks = recordHashing()
    expect((await prove(user.accessToken, user.password)).code).toBe('INVALID_CREDENTIALS')
    expect(tasks).toHaveLength(1)
  })

  it('is refused with a password that an operator set and that has expired', async () => {
    const user = await staleUser()
    await server.database.query('update users set password_expires_at = 1 where id = ?', [
      user.user.id,
    ])
    expect((await prove(user.accessToken, user.password)).code).toBe('INVALID_CREDENTIALS')
    expect(await sinceSignUp(server, user.user.id)).toEqual([
      'REAUTHENTICATION_FAILED PASSWORD_EXPIRED password',
    ])
  })

  it('is in the audit trail, whether or not it succeeds', async () => {
    const user = await staleUser()
    await prove(user.accessToken, 'not the password')
    await prove(user.accessToken, user.password)
    expect(await sinceSignUp(server, user.user.id)).toEqual([
      'REAUTHENTICATION_FAILED WRONG_PASSWORD password',
      'REAUTHENTICATED password',
    ])
  })

  it('prolongs the session as a refresh does, and counts as a use of it', async () => {
    const ownServer = await startServer({ ACCESS_TOKEN_LIFETIME: '24h' })
    const user = await ownServer.client.register()
    ownServer.advance(3 * 3600)
    await ownServer.client.refresh(user.refreshToken)
    ownServer.advance(2 * 3600)
    const answer = await sendReauthenticate(ownServer.client.as(user.accessToken), user.password)
    const { accessToken, refreshExpiresIn } = answer.data.reauthenticate
    expect(refreshExpiresIn).toBe(30 * 86_400)
    const me = await ownServer.client
      .as(accessToken)
      .send('{ me { sessions { createdAt lastUsedAt } } }')
    const [{ createdAt, lastUsedAt }] = me.data.me.sessions
    // The use before this one, to the hour.
    expect(Date.parse(lastUsedAt) - Date.parse(createdAt)).toBeGreaterThan(2 * 3_600_000)
  })

  it.each([
    ['the session is ended', 'SESSION_ENDED', 'delete from sessions where user_id = ?'],
    [
      'the account is disabled',
      'ACCOUNT_DISABLED',
      'update users set disabled_at = 1 where id = ?',
    ],
    [
      'the password is changed',
      'INVALID_CREDENTIALS',
      'update users set credential_version = 7 where id = ?',
    ],
  ])('proves nothing when %s while the password is checked: %s', async (_what, why, statement) => {
    const user = await staleUser()
    const held = holdNext('verify')
    const answer = prove(user.accessToken, user.password)
    await held.reached
    await server.database.query(statement, [user.user.id])
    const before = await server.database.query('select * from sessions where user_id = ?', [
      user.user.id,
    ])
    held.release()
    const { code, reason } = await answer
    expect(reason ?? code).toBe(why)
    expect(
      await server.database.query('select * from sessions where user_id = ?', [user.user.id]),
    ).toEqual(before)
    expect(await sinceSignUp(server, user.user.id)).toEqual([])
  })

  it('succeeds twice at the same time, and ends with one refresh token that is good', async () => {
    const user = await staleUser()
    const answers = await Promise.all([1, 2].map(() => prove(user.accessToken, user.password)))
    const generations = answers.map(({ data }) => data.reauthenticate.refreshToken as string)
    expect(new Set(generations).size).toBe(2)
    for (const { data } of answers)
      expect(await isFresh(data.reauthenticate.accessToken)).toBe(true)
    expect(await rowOf(user.accessToken)).toMatchObject({ rotated_at: null })
  })
})

describe('attempts to reauthenticate', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer(throttled)))
  afterAll(() => server.close())

  const register = async () => {
    const from = freshAddress()
    const email = `proof${from}@example.com`
    const answer = await server.client.send(
      `mutation ($email: String!) { register(email: $email, password: "correct horse battery") { accessToken } }`,
      { email },
      { 'x-forwarded-for': from },
    )
    return { email, from, accessToken: answer.data.register.accessToken as string }
  }
  const tryFrom = (from: string, accessToken: string, password = 'not the password') =>
    sendReauthenticate(server.client.as(accessToken), password, { 'x-forwarded-for': from })

  it('have the budget of sign-ins from the same client IP, and no further one', async () => {
    const { accessToken, email } = await register()
    const from = freshAddress()
    expect(await countAccepted(() => loginFrom(server.client, from, email), 3)).toBe(3)
    expect(await countAccepted(() => tryFrom(from, accessToken))).toBe(2)
    expect((await loginFrom(server.client, from, email)).code).toBe('RATE_LIMITED')
    const refused = await tryFrom(from, accessToken, 'correct horse battery')
    expect([refused.status, refused.code]).toEqual([429, 'RATE_LIMITED'])
  })

  it('have the budget of the account, from however many client IPs they come', async () => {
    const { accessToken, email } = await register()
    expect(await countAccepted(() => tryFrom(freshAddress(), accessToken))).toBe(10)
    expect((await loginFrom(server.client, freshAddress(), email)).code).toBe('RATE_LIMITED')
  })

  it("of the owner continue while strangers use the account's budget up, and cost nothing if they succeed", async () => {
    const { accessToken, from } = await register()
    await countAccepted(() => tryFrom(freshAddress(), accessToken))
    let current = accessToken
    for (let round = 0; round < 12; round++) {
      const answer = await tryFrom(from, current, 'correct horse battery')
      expect(answer.errors).toBeUndefined()
      current = answer.data.reauthenticate.accessToken
    }
  })
})
