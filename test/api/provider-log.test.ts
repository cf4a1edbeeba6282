import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  startHostileProvider,
  type Answering,
  type Endpoint,
  type HostileProvider,
} from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import {
  begin,
  openidVariables,
  readAnswer,
  sendLink,
  sendLogin,
  type ProviderAnswer,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

// A piece of it is as telling as the whole: parsers quote what they stumble over.
const piece = 'zqzq'
const secret = piece.repeat(12)

// ASVS 16.2.5; Directus CVE-2024-47822, n8n-MCP CVE-2026-41495.
describe('the log of sign-ins with a provider', () => {
  let provider: HostileProvider
  let server: TestServer
  beforeAll(async () => {
    provider = await startHostileProvider()
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      LOG_LEVEL: 'trace',
      ...openidVariables('test', provider),
      OIDC_TEST_KEEP_TOKENS: 'on',
    })
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
  })

  /** The log of this test. */
  const log = () => server.logText().slice(begins)
  let begins: number
  beforeEach(() => void (begins = server.logText().length))

  /** What no one may find of a sign-in, from both sides of it. */
  const secretsOf = async (mine: ProviderAnswer): Promise<string[]> => {
    const [flow] = await server.database.query('select nonce, code_verifier from provider_flows')
    return [
      mine.code!,
      mine.state!,
      mine.flowToken,
      String(flow!['nonce']),
      String(flow!['code_verifier']),
      provider.clientSecret,
    ]
  }
  const comeBack = async (client: Parameters<typeof begin>[0] = server.client) => {
    await server.database.query('delete from provider_flows')
    const begun = await begin(client, 'test')
    const lies = { tokens: { refresh_token: secret }, userinfo: { email: 'zoe@example.com' } }
    const mine = readAnswer(begun, provider.authorize(begun.authorizationUrl, 'zoe', lies))
    return { mine, secrets: await secretsOf(mine) }
  }
  const expectNone = (secrets: string[]) => {
    expect(log()).toContain('"path":"/graphql"')
    expect([piece, ...secrets].filter((text) => log().includes(text))).toEqual([])
  }

  it('logs no code, state, verifier, nonce or token of those that succeed', async () => {
    const login = await comeBack()
    const answer = await sendLogin(server.client, login.mine)
    const { accessToken, refreshToken } = answer.data.loginWithProvider
    const client = server.client.as(accessToken)
    const link = await comeBack(client)
    expect((await sendLink(client, link.mine)).errors).toBeUndefined()
    const token = await client.send('{ providerToken(provider: "test") { accessToken } }')
    const kept = token.data.providerToken.accessToken
    expectNone([...login.secrets, ...link.secrets, accessToken, refreshToken, kept])
  })

  it('logs nothing of a response that is refused here', async () => {
    const { mine, secrets } = await comeBack()
    expect((await sendLogin(server.client, { ...mine, state: secret })).code).toBe('INVALID_FLOW')
    expect((await sendLogin(server.client, { ...mine, provider: secret })).code).toBe(
      'UNKNOWN_PROVIDER',
    )
    const shapeless = { ...mine, code: [secret] as unknown as string }
    const answer = await sendLogin(server.client, shapeless)
    expect(answer.text).not.toContain(piece)
    expectNone(secrets)
  })

  const sending =
    (status: number, body: string, headers: Record<string, string> = {}): Answering =>
    (response) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  const failures: [what: string, endpoint: Endpoint, answering: Answering][] = [
    ['a token alone', 'token', sending(200, secret)],
    ['a form', 'token', sending(200, `access_token=${secret}&token_type=bearer`)],
    ['an object that breaks off', 'token', sending(200, `{"access_token":"${secret}`)],
    ['an object that goes on', 'token', sending(200, `{"access_token":"${secret}"},`)],
    ['an escape that is none', 'token', sending(200, `{"access_token":"\\${secret}"}`)],
    [
      'a token of another type',
      'token',
      sending(200, `{"access_token":"${secret}","token_type":"${secret}"}`),
    ],
    [
      'an ID token that is none',
      'token',
      (response, answer) =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ ...answer, id_token: `${secret}.${secret}.${secret}` })),
    ],
    [
      'an ID token that breaks off',
      'token',
      (response, answer) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(
          JSON.stringify({
            ...answer,
            id_token: `${Buffer.from(`{"alg":"${secret}`).toString('base64url')}.a.b`,
          }),
        ),
    ],
    [
      'an error that describes too much',
      'token',
      sending(400, JSON.stringify({ error: 'invalid_grant', error_description: secret })),
    ],
    ['an error by an odd name', 'token', sending(400, JSON.stringify({ error: secret }))],
    ['a challenge', 'token', sending(401, '', { 'www-authenticate': `Bearer error="${secret}"` })],
    ['a redirect', 'token', sending(302, '', { location: `http://127.0.0.1:1/?code=${secret}` })],
    ['a type by an odd name', 'token', sending(200, secret, { 'content-type': secret })],
    ['userinfo that is none', 'userinfo', sending(200, secret)],
    ['userinfo of somebody else', 'userinfo', sending(200, JSON.stringify({ sub: secret }))],
    ['userinfo in HTML', 'userinfo', sending(200, secret, { 'content-type': 'text/html' })],
  ]
  it.each(failures)(
    'tells none of a provider that answers with %s',
    async (what, endpoint, answering) => {
      const { mine, secrets } = await comeBack()
      provider.answering[endpoint] = answering
      const answer = await sendLogin(server.client, mine)
      delete provider.answering[endpoint]
      // A sign-in continues without userinfo, unless it is that of someone else.
      const isOptional = endpoint === 'userinfo' && !what.includes('somebody else')
      expect(answer.code).toBe(isOptional ? undefined : 'PROVIDER_ERROR')
      expect(answer.text).not.toContain(piece)
      expect(log()).toContain('The provider failed')
      expectNone(secrets)
    },
  )

  it.each([
    [400, 'invalid_grant'],
    [401, 'invalid_client'],
    [200, 'bad_verification_code'],
  ])(
    'logs what the provider said for the operator if it is one of the known words (%i %s)',
    async (status, error) => {
      const { mine } = await comeBack()
      provider.answering['token'] = sending(status, JSON.stringify({ error }))
      expect((await sendLogin(server.client, mine)).code).toBe('PROVIDER_ERROR')
      delete provider.answering['token']
      expect(log()).toContain(`The provider said ${error}`)
    },
  )
})
