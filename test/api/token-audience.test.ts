// RFC 9068 section 4, RFC 8725 section 3.9: a token for another service is not a token for the account.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tokens } from '../support/client.ts'
import { longAgo } from '../support/proof.ts'
import { startServer, stopTime, type TestServer } from '../support/server.ts'
import { currentKey, decodeCompact, signCompact } from '../support/signing.ts'

stopTime()

const issuer = 'https://auth.example.com'
const [notes, mail] = ['https://notes.example.com', 'mail']
const narrow = `mutation ($audiences: [String!]!) {
  narrowAccessToken(audiences: $audiences) { accessToken tokenType expiresIn audiences }
}`

describe('the audience of access tokens', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({
      TOKEN_ISSUER: issuer,
      TOKEN_AUDIENCE: `${notes}, ${mail},${notes}`,
    })
  })
  afterAll(() => server.close())

  const ask = (accessToken: string, audiences: unknown) =>
    server.client.as(accessToken).send(narrow, { audiences })
  const narrowed = async (user: Tokens, audiences = [notes]) =>
    (await ask(user.accessToken, audiences)).data.narrowAccessToken.accessToken as string
  const claimsOf = (token: string) => decodeCompact(token).claims

  it('is this server and every service next to it, after a sign-in and after a refresh', async () => {
    const user = await server.client.register()
    const refreshed = (await server.client.refresh(user.refreshToken)).data.refreshToken
    for (const { accessToken } of [user, refreshed]) {
      expect(claimsOf(accessToken)['aud']).toEqual([notes, mail, issuer])
      expect((await server.client.as(accessToken).send('{ protected }')).errors).toBeUndefined()
    }
  })

  it.each([
    [{}, undefined],
    [{ TOKEN_ISSUER: issuer }, issuer],
    [{ TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: issuer }, issuer],
    [{ TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: notes }, [notes, issuer]],
    [{ TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: `${issuer},${notes}` }, [issuer, notes]],
  ])('with %j is %j', async (variables, expected) => {
    const other = await startServer(variables)
    const { accessToken } = await other.client.register()
    const { aud, iss } = claimsOf(accessToken)
    expect(aud).toEqual(expected ?? iss)
    expect((await other.client.as(accessToken).send('{ protected }')).errors).toBeUndefined()
  })

  it('is narrowed to services of the list, for the same session', async () => {
    const user = await server.client.register()
    const answer = await ask(user.accessToken, [notes, notes])
    const { accessToken, ...rest } = answer.data.narrowAccessToken
    expect(rest).toEqual({ tokenType: 'Bearer', expiresIn: 900, audiences: [notes] })
    const [wide, claims] = [claimsOf(user.accessToken), claimsOf(accessToken)]
    expect(claims).toEqual({
      ...wide,
      aud: notes,
      jti: expect.any(String),
      iat: expect.any(Number),
    })
    expect(claims['jti']).not.toBe(wide['jti'])
    expect(claimsOf(await narrowed(user, [mail, notes]))['aud']).toEqual([mail, notes])
  })

  it.each([
    'query { me { id } }',
    'query { protected }',
    'mutation { narrowAccessToken(audiences: ["https://notes.example.com"]) { accessToken } }',
    'mutation { reauthenticate(password: "correct horse battery") { accessToken } }',
    'mutation { changePassword(currentPassword: "correct horse battery", newPassword: "another password") { accessToken } }',
    'mutation { unlinkProvider(provider: "google") { id } }',
    'mutation { revokeSession(id: "AAAAAAAAAAAAAAAAAAAAAA") }',
    'mutation { logout(scope: ALL) }',
    'mutation { logout(scope: OTHERS) }',
    'query { providerToken(provider: "google") { accessToken } }',
  ])('of a narrowed token opens nothing here: %s', async (operation) => {
    const user = await server.client.register()
    const answer = await server.client.as(await narrowed(user)).send(operation)
    expect([answer.status, answer.code, answer.reason]).toEqual([
      401,
      'UNAUTHENTICATED',
      'WRONG_AUDIENCE',
    ])
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect((await server.client.as(user.accessToken).send('{ protected }')).errors).toBeUndefined()
  })

  it('of a narrowed token ends no session, blocks no public field, and is called when it has expired too', async () => {
    const user = await server.client.register()
    const token = server.client.as(await narrowed(user))
    expect((await token.send('mutation { logout }')).data).toEqual({ logout: true })
    expect((await token.send('{ providers { id } }')).errors).toBeUndefined()
    server.advance(901)
    expect((await token.send('{ protected }')).reason).toBe('WRONG_AUDIENCE')
    expect((await token.send('mutation { logout }')).data).toEqual({ logout: true })
    expect((await server.client.refresh(user.refreshToken)).errors).toBeUndefined()
  })

  it('of a narrowed token is no way to stay longer than the token that it came from', async () => {
    const user = await server.client.register()
    server.advance(600)
    const late = await ask(user.accessToken, [notes])
    expect(late.data.narrowAccessToken.expiresIn).toBe(300)
    const { exp } = claimsOf(late.data.narrowAccessToken.accessToken)
    expect(exp).toBe(claimsOf(user.accessToken)['exp'])
    server.advance(301)
    expect((await ask(user.accessToken, [notes])).reason).toBe('TOKEN_EXPIRED')
  })

  it('of a narrowed token does not outlive the session', async () => {
    const brief = await server.sibling({
      SESSION_MAX_LIFETIME: '60s',
      SESSION_IDLE_LIFETIME: '60s',
    })
    const user = await brief.client.register()
    const answer = await ask(user.accessToken, [notes])
    expect(answer.data.narrowAccessToken.expiresIn).toBe(60)
  })

  it('of a narrowed token does not reveal when the session was refreshed', async () => {
    const brief = await server.sibling({ SESSION_IDLE_LIFETIME: '60s' })
    const user = await brief.client.register()
    const answer = await brief.client.as(user.accessToken).send(narrow, { audiences: [notes] })
    // As long as the token that it came from, and not until the session would be idle for too long.
    expect(answer.data.narrowAccessToken.expiresIn).toBe(900)
  })

  it('of a narrowed token keeps the time of the proof of the token that it came from', async () => {
    const user = await longAgo(server, await server.client.register())
    expect(claimsOf(await narrowed(user))['auth_time']).toBe(
      claimsOf(user.accessToken)['auth_time'],
    )
    const forged = signCompact(
      decodeCompact(user.accessToken).header,
      { ...claimsOf(user.accessToken), auth_time: 'now', amr: [1] },
      await currentKey(server),
    )
    const claims = claimsOf(await narrowed({ ...user, accessToken: forged }))
    expect([claims['auth_time'], claims['amr']]).toEqual([undefined, undefined])
  })

  it.each<[string, unknown]>([
    ['none', []],
    ['an unknown one', ['https://other.example.com']],
    ['an unknown one beside a known', [notes, 'https://other.example.com']],
    ['this server', [issuer]],
    ['this server beside a known one', [notes, issuer]],
    ['one in another case', [notes.toUpperCase()]],
    ['one with a slash', [`${notes}/`]],
    ['one with a space', [` ${notes}`]],
    ['the list as it is configured', [`${notes},${mail}`]],
    ['an empty one', ['']],
    ['a star', ['*']],
    ['null', null],
    ['null in a list', [null]],
    ['a number', [7]],
    ['a name that every object has', ['__proto__', 'constructor']],
    ['very many', Array.from({ length: 2000 }, () => 'x')],
  ])('is not narrowed to %s', async (_what, audiences) => {
    const { accessToken } = await server.client.register()
    const answer = await ask(accessToken, audiences)
    expect(answer.code).toBe('BAD_USER_INPUT')
    expect(answer.data?.narrowAccessToken).toBeUndefined()
    expect(answer.text).not.toContain('other.example.com')
    expect(answer.text).not.toContain('TOKEN_AUDIENCE')
  })

  it('is this server only if it says so exactly', async () => {
    const { accessToken } = await server.client.register()
    const { header } = decodeCompact(accessToken)
    const key = await currentKey(server)
    const reasonFor = async (aud: unknown) => {
      const token = signCompact(header, { ...claimsOf(accessToken), aud }, key)
      return (await server.client.as(token).send('{ protected }')).reason
    }
    const cases: [unknown, string | undefined][] = [
      [issuer, undefined],
      [[issuer], undefined],
      [['https://elsewhere.example.com', issuer], undefined],
      [notes, 'WRONG_AUDIENCE'],
      [[notes, mail], 'WRONG_AUDIENCE'],
      [[notes, `${issuer}/`], 'WRONG_AUDIENCE'],
      [[notes, [issuer]], 'WRONG_AUDIENCE'],
      [[notes, { [issuer]: true }], 'WRONG_AUDIENCE'],
      ['https://elsewhere.example.com', 'TOKEN_INVALID'],
      [`${notes} ${issuer}`, 'TOKEN_INVALID'],
      [[], 'TOKEN_INVALID'],
      [undefined, 'TOKEN_INVALID'],
    ]
    for (const [aud, reason] of cases)
      expect({ aud, reason: await reasonFor(aud) }).toEqual({ aud, reason })
  })

  it('is narrowed nowhere if the server has no services next to it', async () => {
    const alone = await startServer()
    const { accessToken } = await alone.client.register()
    const answer = await alone.client.as(accessToken).send(narrow, { audiences: [alone.url] })
    expect([answer.code, answer.errors![0]!.extensions.field]).toEqual([
      'BAD_USER_INPUT',
      'audiences',
    ])
  })
})
