import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeRefreshToken } from '../../src/core/tokens/refresh-token.ts'
import { DerivedKeys } from '../../src/core/tokens/derived-keys.ts'
import type { Answer } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

const refresh = 'mutation { refreshToken { accessToken refreshToken user { id } } }'
const refreshWith = 'mutation ($t: String) { refreshToken(refreshToken: $t) { refreshToken } }'
const signIn = `mutation ($email: String!, $password: String!) {
  login(email: $email, password: $password, transport: COOKIE) { accessToken refreshToken user { id } }
}`

/** The one cookie that a response sets, with its attributes in lower case. */
function setCookieOf(answer: Answer) {
  const [header, ...more] = answer.headers.getSetCookie()
  expect(more).toEqual([])
  if (header === undefined) return undefined
  const [pair, ...attributes] = header.split('; ')
  const [name, value] = pair!.split('=')
  return {
    name: name!,
    value: value!,
    pair: pair!,
    attributes: attributes.map(lowerCase).toSorted(),
  }
}
const lowerCase = (text: string) => text.toLowerCase()

describe.each([
  { publicUrl: 'https://auth.example.com', name: '__Host-latchkey-refresh', secure: ['secure'] },
  { publicUrl: 'http://127.0.0.1:4000', name: 'latchkey-refresh-Xix9rPtD', secure: [] },
])('the refresh cookie of $publicUrl', ({ publicUrl, name, secure }) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({
      PUBLIC_URL: publicUrl,
      ALLOWED_ORIGINS: 'https://app.example.com,https://admin.example.com',
    })
  })
  afterAll(() => server.close())

  const newSession = async () => {
    const { email, password } = await server.client.register()
    const answer = await server.client.send(signIn, { email, password })
    return { ...answer.data.login, cookie: setCookieOf(answer)! } as {
      accessToken: string
      refreshToken: string | null
      user: { id: string }
      cookie: NonNullable<ReturnType<typeof setCookieOf>>
    }
  }
  const withCookie = (cookie: string, query = refresh, headers: Record<string, string> = {}) =>
    server.client.send(query, undefined, { cookie, ...headers })

  // ASVS 3.3.1 to 3.3.5; RFC 6265bis section 4.1.3.2.
  it('is out of the reach of scripts, of other hosts and of other sites', async () => {
    const { cookie, refreshToken } = await newSession()
    expect(refreshToken).toBeNull()
    expect(cookie.name).toBe(name)
    expect(cookie.attributes).toEqual(
      ['httponly', `max-age=${30 * 86_400}`, 'path=/', 'samesite=strict', ...secure].toSorted(),
    )
    expect(cookie.value).toMatch(/^lkr_/)
  })

  it('comes with register, too, and is replaced by each refresh without an argument', async () => {
    const registered = await server.client.send(
      `mutation { register(email: "${name}@example.com", password: "correct horse battery", transport: COOKIE) { refreshToken } }`,
    )
    expect(registered.data.register.refreshToken).toBeNull()
    const first = setCookieOf(registered)!
    const answer = await withCookie(first.pair)
    expect(answer.data.refreshToken.refreshToken).toBeNull()
    const second = setCookieOf(answer)!
    expect(second.name).toBe(name)
    expect(second.value).not.toBe(first.value)
    expect(second.attributes).toEqual(first.attributes)
    const { accessToken } = answer.data.refreshToken
    expect((await server.client.as(accessToken).send('{ protected }')).errors).toBeUndefined()
  })

  it('never holds a token that travels in the body, and the other way round', async () => {
    const { email, password } = await server.client.register()
    const body = await server.client.login(email, password)
    expect(body.headers.getSetCookie()).toEqual([])
    const { cookie } = await newSession()
    const { refreshToken } = body.data.login
    // The argument names another session than the cookie: the cookie stays as it is.
    const answer = await server.client.send(
      refreshWith,
      { t: refreshToken },
      { cookie: cookie.pair },
    )
    expect(answer.data.refreshToken.refreshToken).toMatch(/^lkr_/)
    expect(answer.headers.getSetCookie()).toEqual([])
    expect((await withCookie(cookie.pair)).errors).toBeUndefined()
  })

  it('stays a cookie through a change of the password', async () => {
    const { accessToken, cookie } = await newSession()
    const answer = await server.client
      .as(accessToken)
      .send(
        'mutation { changePassword(currentPassword: "correct horse battery", newPassword: "another horse") { refreshToken } }',
        undefined,
        { cookie: cookie.pair },
      )
    expect(answer.data.changePassword.refreshToken).toBeNull()
    const renewed = setCookieOf(answer)!
    expect((await withCookie(renewed.pair)).errors).toBeUndefined()
  })

  it('is cleared when it is refused, so that a browser does not come back with it', async () => {
    const { cookie, accessToken } = await newSession()
    await server.client.as(accessToken).send('mutation { logout(scope: ALL) }')
    for (const pair of [cookie.pair, `${name}=nonsense`, `${name}=`]) {
      const answer = await withCookie(pair)
      expect(answer.code).toBe('INVALID_REFRESH_TOKEN')
      expectCleared(answer)
    }
  })

  it('is kept when the database fails, so that the next refresh succeeds', async () => {
    const { cookie } = await newSession()
    await server.database.query('alter table sessions rename to sessions_away')
    try {
      const failed = await withCookie(cookie.pair)
      expect(failed.code).toBe('INTERNAL_SERVER_ERROR')
      expect(failed.headers.getSetCookie()).toEqual([])
    } finally {
      await server.database.query('alter table sessions_away rename to sessions')
    }
    expect((await withCookie(cookie.pair)).errors).toBeUndefined()
  })

  it('is not cleared if another server of this host issued it', async () => {
    const { cookie, accessToken } = await newSession()
    const token = { sessionId: 'A'.repeat(22), generation: 3 }
    const foreign = encodeRefreshToken(
      token,
      new DerivedKeys('the secret of another server'.repeat(2)),
    )
    for (const query of [refresh, 'mutation { logout }']) {
      const answer = await withCookie(`${name}=${foreign}`, query)
      expect(answer.headers.getSetCookie()).toEqual([])
    }
    // Of another site, the request may not even clear what is ours.
    const headers = { origin: 'https://sibling.example.com', 'sec-fetch-site': 'same-site' }
    for (const query of [refresh, 'mutation { logout }', 'mutation { logout(scope: ALL) }']) {
      const answer = await withCookie(cookie.pair, query, headers)
      expect(answer.headers.getSetCookie()).toEqual([])
    }
    expect((await server.client.as(accessToken).send('{ protected }')).errors).toBeUndefined()
  })

  it('stays when another account signs out everywhere', async () => {
    const { cookie } = await newSession()
    const other = await server.client.register()
    const answer = await server.client
      .as(other.accessToken)
      .send('mutation { logout(scope: ALL) }', undefined, { cookie: cookie.pair })
    expect(answer.data).toEqual({ logout: true })
    expect(answer.headers.getSetCookie()).toEqual([])
    expect((await withCookie(cookie.pair)).errors).toBeUndefined()
  })

  it('names the session for logout, which clears it', async () => {
    const { cookie, accessToken } = await newSession()
    const answer = await withCookie(cookie.pair, 'mutation { logout }')
    expect(answer.data).toEqual({ logout: true })
    expectCleared(answer)
    expect(await withCookie(cookie.pair)).toMatchObject({ reason: 'SESSION_ENDED' })
    const { reason } = await server.client.as(accessToken).send('{ protected }')
    expect(reason).toBe('SESSION_ENDED')
  })

  // CVE-2024-31205, CVE-2026-34749.
  describe('is of no use to another site', () => {
    const strangers: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'https://app.example.com.evil.example' },
      { origin: 'http://app.example.com' },
      { origin: 'https://app.example.com:8443' },
      { origin: 'https://APP.example.com' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://sibling.example.com', 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'nonsense' },
      { 'sec-fetch-site': '' },
    ]
    it.each(strangers)('%o', async (headers) => {
      const { cookie, accessToken } = await newSession()
      const answer = await withCookie(cookie.pair, refresh, headers)
      expect(answer).toMatchObject({ code: 'INVALID_REFRESH_TOKEN', reason: 'TOKEN_MISSING' })
      const loggedOut = await withCookie(cookie.pair, 'mutation { logout }', headers)
      expect(loggedOut.data).toEqual({ logout: true })
      expect((await server.client.as(accessToken).send('{ protected }')).errors).toBeUndefined()
      expect((await withCookie(cookie.pair)).errors).toBeUndefined()
    })

    it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])(
      'nor to a form of type "%s"',
      async (contentType) => {
        const { cookie } = await newSession()
        const response = await fetch(`${server.url}/graphql`, {
          method: 'POST',
          headers: {
            cookie: cookie.pair,
            origin: 'https://evil.example',
            ...(contentType && { 'content-type': contentType }),
          },
          body: new TextEncoder().encode(JSON.stringify({ query: refresh })),
        })
        expect([400, 415]).toContain(response.status)
        expect(response.headers.getSetCookie()).toEqual([])
        const [row] = await server.database.query(
          'select max(generation) as newest from sessions where user_id = ?',
          [(await withCookie(cookie.pair)).data.refreshToken.user.id],
        )
        expect(row).toEqual({ newest: 1 })
      },
    )
  })

  it.each([
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-origin', origin: 'https://another.name.of.ours' },
    { origin: publicUrl },
    { origin: 'https://app.example.com' },
    { origin: 'https://admin.example.com', 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    {},
  ] as Record<string, string>[])(
    'serves its own pages, allowed origins and programs: %o',
    async (headers) => {
      const { cookie } = await newSession()
      const answer = await withCookie(cookie.pair, refresh, headers)
      expect(answer.errors).toBeUndefined()
      expect(setCookieOf(answer)!.value).toMatch(/^lkr_/)
    },
  )

  // A sibling host or plain http can plant cookies, but none with the prefix.
  it('is not shadowed by a planted one', async () => {
    const victim = await newSession()
    const attacker = await newSession()
    const otherName = name.startsWith('__Host-') ? 'latchkey-refresh' : '__Host-latchkey-refresh'
    const planted = `${otherName}=${attacker.cookie.value}`
    expect(await withCookie(planted)).toMatchObject({ reason: 'TOKEN_MISSING' })
    for (const header of [
      `${planted}; ${victim.cookie.pair}`,
      `${victim.cookie.pair}; ${planted}`,
      `a=b;${victim.cookie.pair};${otherName}`,
    ]) {
      const { data } = await withCookie(header)
      expect(data.refreshToken.user).toEqual(victim.user)
    }
  })

  it('is refused if two values of it came', async () => {
    const victim = await newSession()
    const attacker = await newSession()
    for (const header of [
      `${victim.cookie.pair}; ${attacker.cookie.pair}`,
      `${attacker.cookie.pair}; ${victim.cookie.pair}`,
      `${victim.cookie.pair}; ${victim.cookie.pair}`,
      `${victim.cookie.pair}; x=y; ${name} =${attacker.cookie.value}`,
      `${name}=; ${victim.cookie.pair}`,
    ]) {
      const { reason } = await withCookie(header)
      expect({ header, reason }).toEqual({ header, reason: 'TOKEN_MISSING' })
    }
    for (const { accessToken } of [victim, attacker]) {
      expect((await server.client.as(accessToken).send('{ protected }')).errors).toBeUndefined()
    }
  })

  function expectCleared(answer: Answer) {
    const cleared = setCookieOf(answer)!
    expect(cleared).toMatchObject({ name, value: '' })
    expect(cleared.attributes).toEqual(
      ['httponly', 'max-age=0', 'path=/', 'samesite=strict', ...secure].toSorted(),
    )
  }
})

// RFC 6265 section 8.5: cookies are shared by all ports of a host, those with `__Host-` too.
describe.each([
  ['http://127.0.0.1:4100', {}, 'http://127.0.0.1:4101', {}],
  ['https://auth.example.com', {}, 'https://auth.example.com:8443', {}],
  ['https://auth.example.com:8443', {}, 'https://auth.example.com:9443', {}],
  [
    'http://localhost:4100',
    { TOKEN_ISSUER: 'shared' },
    'http://localhost:4101',
    { TOKEN_ISSUER: 'shared' },
  ],
  [
    'https://auth.example.com',
    { TOKEN_ISSUER: 'one' },
    'https://auth.example.com',
    { TOKEN_ISSUER: 'other' },
  ],
])('two servers on one host, %s %o and %s %o', (oneUrl, oneEnv, otherUrl, otherEnv) => {
  it('leave the refresh cookie of the other one alone', async () => {
    const servers = [
      await startServer({ PUBLIC_URL: oneUrl, ...oneEnv }),
      await startServer({ PUBLIC_URL: otherUrl, ...otherEnv }),
    ]
    // As a browser keeps them: by name, for both servers.
    const jar = new Map<string, string>()
    const send = async (server: TestServer, query: string, variables?: Record<string, unknown>) => {
      const cookie = [...jar].map((pair) => pair.join('=')).join('; ')
      const answer = await server.client.send(query, variables, { cookie })
      const set = setCookieOf(answer)
      if (set?.value === '') jar.delete(set.name)
      else if (set) jar.set(set.name, set.value)
      return answer
    }
    for (const server of servers) {
      // As the account page does when it is loaded for the first time.
      await send(server, refresh)
      const { email, password } = await server.client.register()
      await send(server, signIn, { email, password })
    }
    expect(jar.size).toBe(2)
    for (const server of [...servers, ...servers]) {
      expect((await send(server, refresh)).errors).toBeUndefined()
    }
    await send(servers[1]!, 'mutation { logout }')
    expect((await send(servers[0]!, refresh)).errors).toBeUndefined()
  })
})
