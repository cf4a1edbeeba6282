import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tokens } from '../support/client.ts'
import { startServer, stopTime, type TestServer } from '../support/server.ts'
import { currentKey, decodeCompact, signCompact, type ServerKey } from '../support/signing.ts'

stopTime()

const issuer = 'https://auth.example.com/tenant'
const audience = 'https://api.example.com'
type Json = Readonly<Record<string, unknown>>

describe('the claims of an access token', () => {
  let server: TestServer
  let key: ServerKey
  let account: Tokens & { email: string; password: string }
  let header: Json
  let claims: Json
  beforeAll(async () => {
    server = await startServer({ TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: audience })
    key = await currentKey(server)
    account = await server.client.register({ name: 'Ada' })
    ;({ header, claims } = decodeCompact(account.accessToken))
  })
  afterAll(() => server.close())

  const reasonFor = async (token: string) => {
    const answer = await server.client.as(token).send('{ protected }')
    return answer.errors === undefined ? 'open' : answer.reason
  }
  const now = () => Math.floor(server.now() / 1000)
  /** Signed with the server's own key. */
  const withClaims = (changes: Json) => signCompact(header, { ...claims, ...changes }, key)

  // RFC 9068 section 2.2; ASVS 14.2.6: what is not said cannot leak.
  it('say who, for whom, by whom, when and how, and nothing else', () => {
    expect(header).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid })
    expect(claims).toEqual({
      iss: issuer,
      aud: [audience, issuer],
      sub: account.user.id,
      client_id: 'latchkey',
      sid: expect.stringMatching(/^[\w-]{22}$/),
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
      iat: expect.any(Number),
      exp: Number(claims['iat']) + 15 * 60,
      auth_time: expect.any(Number),
      amr: ['pwd'],
      roles: ['USER'],
    })
    expect(Math.abs(Number(claims['iat']) - now())).toBeLessThan(60)
  })

  it('of two tokens of one session differ in their name, and keep the time of the sign-in', async () => {
    server.advance(5)
    const answer = await server.client.refresh((await server.client.register()).refreshToken)
    const first = decodeCompact(answer.data.refreshToken.accessToken).claims
    server.advance(5)
    const again = await server.client.refresh(answer.data.refreshToken.refreshToken)
    const second = decodeCompact(again.data.refreshToken.accessToken).claims
    expect(second['jti']).not.toBe(first['jti'])
    expect(second['sid']).toBe(first['sid'])
    expect(second['auth_time']).toBe(first['auth_time'])
    expect(Number(second['iat'])).toBeGreaterThan(Number(first['iat']))
  })

  // ASVS 9.2.1; jose demands none of them unless it is told to.
  it.each(['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'sid'])(
    'are refused without %s',
    async (name) => {
      expect(await reasonFor(withClaims({ [name]: undefined }))).toBe('TOKEN_INVALID')
      expect(await reasonFor(withClaims({ [name]: null }))).toBe('TOKEN_INVALID')
    },
  )

  // RFC 8725 sections 3.8 and 3.9; CVE-2026-30863, CVE-2025-62610.
  it.each<[string, unknown]>([
    ['iss', 'https://auth.example.com'],
    ['iss', `${issuer}/`],
    ['iss', issuer.toUpperCase()],
    ['iss', [issuer]],
    ['iss', ''],
    ['iss', `${issuer} `],
    ['aud', 'https://other.example.com'],
    ['aud', `${audience}/`],
    ['aud', audience.toUpperCase()],
    ['aud', `${audience}.evil.example`],
    ['aud', audience.slice(0, -1)],
    ['aud', ['https://other.example.com']],
    ['aud', []],
    ['aud', [[audience]]],
    ['aud', { [audience]: true }],
    ['aud', `${issuer}/`],
    ['aud', issuer.toUpperCase()],
    ['aud', [[issuer]]],
    ['aud', ''],
    ['aud', '*'],
    ['sub', 1],
    ['sub', ['x']],
    ['sid', 1],
    ['sid', ['x']],
    ['sid', {}],
    ['client_id', 1],
    ['client_id', ['latchkey']],
    ['client_id', null],
  ])('are refused where %s is %o', async (name, value) => {
    expect(await reasonFor(withClaims({ [name]: value }))).toBe('TOKEN_INVALID')
  })

  it.each([undefined, 'another client', ''])('may name the client %j', async (name) => {
    // Tokens of a version before this claim, and of another TOKEN_CLIENT_ID.
    expect(await reasonFor(withClaims({ client_id: name }))).toBe('open')
  })

  it('may name further audiences', async () => {
    const token = withClaims({ aud: ['https://other.example.com', issuer] })
    expect(await reasonFor(token)).toBe('open')
  })

  // ASVS 9.2.1: at most a minute for clocks that differ, and only if it prolongs nothing.
  it.each<[string, (now: number) => Json | string, string]>([
    ['expires now', (time) => ({ exp: time }), 'TOKEN_EXPIRED'],
    ['expired a minute ago', (time) => ({ exp: time - 61 }), 'TOKEN_EXPIRED'],
    ['expired before 1970', () => ({ exp: -1 }), 'TOKEN_EXPIRED'],
    ['expires soon', (time) => ({ exp: time + 30 }), 'open'],
    ['expires as a string', (time) => ({ exp: String(time + 60) }), 'TOKEN_INVALID'],
    ['expires as a fraction', (time) => ({ exp: time + 60.5 }), 'TOKEN_INVALID'],
    ['expires never', () => '"exp":1e400', 'TOKEN_INVALID'],
    ['expires beyond exact numbers', () => ({ exp: 2 ** 53 }), 'TOKEN_INVALID'],
    ['expires as a list', (time) => ({ exp: [time + 60] }), 'TOKEN_INVALID'],
    ['was issued half a minute ahead', (time) => ({ iat: time + 30 }), 'open'],
    ['was issued in the future', (time) => ({ iat: time + 90 }), 'TOKEN_INVALID'],
    ['was issued as a string', (time) => ({ iat: String(time) }), 'TOKEN_INVALID'],
    ['was issued at infinity', () => '"iat":1e400', 'TOKEN_INVALID'],
    ['is valid in half a minute', (time) => ({ nbf: time + 30 }), 'open'],
    ['is not valid before long', (time) => ({ nbf: time + 90 }), 'TOKEN_INVALID'],
    ['is not valid before a string', (time) => ({ nbf: String(time) }), 'TOKEN_INVALID'],
    ['is not valid before infinity', () => '"nbf":1e400', 'TOKEN_INVALID'],
  ])('of a token that %s', async (_name, change, expected) => {
    const changes = change(now())
    const token =
      typeof changes === 'string'
        ? // JSON allows what a number cannot hold; of two members the last counts.
          signCompact(header, `${JSON.stringify(claims).slice(0, -1)},${changes}}`, key)
        : withClaims(changes)
    expect(await reasonFor(token)).toBe(expected)
  })

  // RFC 8725 section 3.11; RFC 9068 section 4: other kinds of JWT are no access tokens.
  it.each([
    [undefined, 'TOKEN_INVALID'],
    ['', 'TOKEN_INVALID'],
    ['JWT', 'TOKEN_INVALID'],
    ['id+jwt', 'TOKEN_INVALID'],
    ['logout+jwt', 'TOKEN_INVALID'],
    ['application/jwt', 'TOKEN_INVALID'],
    ['at+jwt2', 'TOKEN_INVALID'],
    [['at+jwt'], 'TOKEN_INVALID'],
    ['application/at+jwt', 'open'],
    ['AT+JWT', 'open'],
  ])('of a token of type %o: %s', async (typ, expected) => {
    expect(await reasonFor(signCompact({ ...header, typ }, claims, key))).toBe(expected)
  })

  it('name a session that is there, and its own user', async () => {
    const other = await server.client.register()
    expect(await reasonFor(withClaims({ sub: other.user.id }))).toBe('SESSION_ENDED')
    const { sid } = decodeCompact(other.accessToken).claims
    expect(await reasonFor(withClaims({ sid }))).toBe('SESSION_ENDED')
    for (const nonsense of ['', 'x', "' or 1=1 --", 'x'.repeat(5000)]) {
      expect(await reasonFor(withClaims({ sid: nonsense }))).toBe('SESSION_ENDED')
    }
    expect(await reasonFor(withClaims({ sid, sub: other.user.id }))).toBe('open')
  })

  it('give no one a role: the account does', async () => {
    const token = withClaims({ roles: ['ADMIN'] })
    const answer = await server.client.as(token).send('{ me { roles } }')
    expect(answer.data.me.roles).toEqual(['USER'])
  })

  // ASVS 9.2.4.
  it('are worth nothing on another installation, though all of its settings are the same', async () => {
    const other = await startServer({ TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: audience })
    const answer = await other.client.as(account.accessToken).send('{ protected }')
    expect(answer.reason).toBe('TOKEN_INVALID')
    expect(await other.client.refresh(account.refreshToken)).toMatchObject({
      code: 'INVALID_REFRESH_TOKEN',
    })
  })
})
