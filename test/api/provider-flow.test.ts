import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import {
  begin,
  openidVariables,
  readAnswer,
  sendBegin,
  sendLink,
  sendLogin,
  sendUnlink,
  type ProviderAnswer,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

const flowLifetimeSeconds = 600
const appUri = 'com.example.app:/callback'

describe('a sign-in that was started', () => {
  let server: TestServer
  let provider: HostileProvider
  let other: HostileProvider
  beforeAll(async () => {
    provider = await startHostileProvider()
    other = await startHostileProvider()
    server = await startServer({
      REDIRECT_URIS: `${redirectUri},${appUri},http://127.0.0.1/callback,http://[::1]/callback`,
      ...openidVariables('test', provider),
      ...openidVariables('other', other),
      ...openidVariables('twin', provider),
    })
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
    await other.close()
  })

  /** Starts, and comes back from the provider as the user. */
  const comeBack = async (sub: string, at = provider, client = server.client as Sender) => {
    const begun = await begin(client, at === provider ? 'test' : 'other')
    return readAnswer(begun, at.authorize(begun.authorizationUrl, sub))
  }
  type Sender = Parameters<typeof begin>[0]
  const count = async (table: string) =>
    (await server.database.query(`select * from ${table}`)).length

  // RFC 9700, section 4.7 (CSRF), ASVS 10.1.2: what the attacker has is good for no one else.
  const notTheirs: [
    what: string,
    change: (mine: ProviderAnswer) => Promise<Partial<ProviderAnswer>>,
  ][] = [
    ['an empty state', async () => ({ state: '' })],
    ['another state', async () => ({ state: 'a'.repeat(43) })],
    ['its state and a space', async ({ state }) => ({ state: `${state} ` })],
    ['the state of another flow', async () => ({ state: (await comeBack('attacker')).state })],
    [
      'the code and state of an attacker',
      async () => {
        const { code, state } = await comeBack('attacker')
        return { code, state }
      },
    ],
    ['an empty flow token', async () => ({ flowToken: '' })],
    ['the state as flow token', async ({ state }) => ({ flowToken: state! })],
    [
      'the flow token of another client',
      async () => ({ flowToken: (await comeBack('attacker')).flowToken }),
    ],
    ['the name of another provider', async () => ({ provider: 'other' })],
    ['the name of another provider of the same issuer', async () => ({ provider: 'twin' })],
  ]
  it.each(notTheirs)('cannot be answered with %s', async (_what, change) => {
    const mine = await comeBack('victim')
    const changed = { ...mine, ...(await change(mine)) }
    const users = await count('users')
    const login = await sendLogin(server.client, changed)
    expect(login.code).toBe('INVALID_FLOW')
    expect(login.errors![0]!.extensions.provider).toBe(changed.provider)
    const { accessToken } = await server.client.register()
    const link = await sendLink(server.client.as(accessToken), changed)
    expect(link.code).toBe('INVALID_FLOW')
    expect(await count('users')).toBe(users + 1)
    expect((await sendLogin(server.client, mine)).errors).toBeUndefined()
  })

  it.each(['code', 'state', 'flowToken', 'provider'])(
    'cannot be answered without %s',
    async (name) => {
      const mine = await comeBack('victim')
      for (const value of [undefined, null]) {
        const answer = await sendLogin(server.client, { ...mine, [name]: value })
        expect(answer.status).toBe(400)
        expect(answer.data?.loginWithProvider).toBeUndefined()
      }
    },
  )

  it('cannot be answered with the code of an attacker under its own state', async () => {
    const mine = await comeBack('victim')
    const { code } = await comeBack('attacker')
    const users = await count('users')
    expect((await sendLogin(server.client, { ...mine, code })).code).toBe('PROVIDER_ERROR')
    expect(await count('users')).toBe(users)
    // Used up, whatever came of it.
    expect((await sendLogin(server.client, mine)).code).toBe('INVALID_FLOW')
  })

  it('can be answered once', async () => {
    const mine = await comeBack('once')
    expect((await sendLogin(server.client, mine)).errors).toBeUndefined()
    expect((await sendLogin(server.client, mine)).code).toBe('INVALID_FLOW')
  })

  it('can be answered once, however many answer at the same moment and wherever', async () => {
    const sibling = await server.sibling()
    const mine = await comeBack('at once')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        sendLogin(index % 2 ? sibling.client : server.client, mine),
      ),
    )
    const codes = answers.map(({ code }) => code)
    expect(codes.filter((code) => code === undefined)).toHaveLength(1)
    expect(codes.filter((code) => code === 'INVALID_FLOW')).toHaveLength(19)
    const { id } = answers.find(({ code }) => code === undefined)!.data.loginWithProvider.user
    expect(
      await server.database.query('select id from sessions where user_id = ?', [id]),
    ).toHaveLength(1)
  })

  it('can be answered for ten minutes', async () => {
    const [inTime, late] = [await comeBack('in time'), await comeBack('late')]
    server.advance(flowLifetimeSeconds - 60)
    expect((await sendLogin(server.client, inTime)).errors).toBeUndefined()
    server.advance(61)
    expect((await sendLogin(server.client, late)).code).toBe('INVALID_FLOW')
  })

  it('says when it ends', async () => {
    const before = server.now()
    const answer = await sendBegin(server.client, 'test')
    const expiresAt = Date.parse(answer.data.beginProviderLogin.expiresAt)
    expect(expiresAt).toBeGreaterThanOrEqual(before + flowLifetimeSeconds * 1000)
    expect(expiresAt).toBeLessThanOrEqual(server.now() + flowLifetimeSeconds * 1000)
  })

  it('is forgotten with the user who started it, and swept when it has ended', async () => {
    const { accessToken, user } = await server.client.register()
    const mine = await comeBack('deleted', provider, server.client.as(accessToken))
    await server.database.query('delete from users where id = ?', [user.id])
    expect((await sendLogin(server.client, mine)).code).toBe('INVALID_FLOW')
    await begin(server.client, 'test')
    server.advance(flowLifetimeSeconds + 1)
    await server.maintain()
    expect(await count('provider_flows')).toBe(0)
  })

  it('is kept without what only the client has', async () => {
    const begun = await begin(server.client, 'test')
    const { state } = readAnswer(begun, new URL(begun.authorizationUrl))
    const kept = JSON.stringify(await server.database.query('select * from provider_flows'))
    expect(kept).toContain(createHash('sha256').update(begun.flowToken).digest('base64url'))
    expect(kept).not.toContain(begun.flowToken)
    expect(kept).not.toContain(state)
  })

  // RFC 7636.
  describe('with PKCE', () => {
    const exchanged = (code: string | null) =>
      provider.requests.find(({ parameters }) => parameters.get('code') === code)!.parameters

    it('sends the verifier of the S256 challenge, also where only `plain` is announced', async () => {
      for (const methods of [['S256'], ['plain'], undefined]) {
        provider.metadata['code_challenge_methods_supported'] = methods
        server.advance(3601)
        const begun = await begin(server.client, 'test')
        const asked = new URL(begun.authorizationUrl).searchParams
        expect(asked.get('code_challenge_method')).toBe('S256')
        const mine = readAnswer(begun, provider.authorize(begun.authorizationUrl, 'pkce'))
        expect((await sendLogin(server.client, mine)).errors).toBeUndefined()
        const verifier = exchanged(mine.code).get('code_verifier')!
        expect(verifier).toMatch(/^[\w-]{43}$/)
        expect(createHash('sha256').update(verifier).digest('base64url')).toBe(
          asked.get('code_challenge'),
        )
      }
    })

    it('fails with another verifier', async () => {
      const mine = await comeBack('pkce')
      await server.database.query('update provider_flows set code_verifier = ?', ['v'.repeat(43)])
      expect((await sendLogin(server.client, mine)).code).toBe('PROVIDER_ERROR')
      expect(exchanged(mine.code).get('code_verifier')).toBe('v'.repeat(43))
    })
  })

  // RFC 9207: which provider has answered.
  it('demands the issuer of a provider that announces to name itself', async () => {
    for (const iss of [undefined, null, '', other.issuer, `${provider.issuer}/`]) {
      const mine = await comeBack('mix-up')
      expect((await sendLogin(server.client, { ...mine, iss })).code).toBe('PROVIDER_ERROR')
    }
  })

  it('needs no issuer of a provider that does not, and refuses another one', async () => {
    const silent = await startHostileProvider()
    silent.metadata['authorization_response_iss_parameter_supported'] = undefined
    const sibling = await server.sibling(openidVariables('silent', silent))
    const attempt = async (iss: string | undefined) => {
      const begun = await begin(sibling.client, 'silent')
      const mine = readAnswer(begun, silent.authorize(begun.authorizationUrl, 'silent'))
      return sendLogin(sibling.client, { ...mine, iss })
    }
    expect((await attempt(undefined)).errors).toBeUndefined()
    expect((await attempt(silent.issuer)).errors).toBeUndefined()
    expect((await attempt(provider.issuer)).code).toBe('PROVIDER_ERROR')
    await silent.close()
  })

  describe('comes back to', () => {
    // RFC 8252, section 7.3.
    const anyPort = ['http://127.0.0.1:51004/callback', 'http://[::1]:51005/callback']
    it.each([redirectUri, appUri, ...anyPort])('%s, as the client names it', async (uri) => {
      const begun = await begin(server.client, 'test', uri)
      expect(new URL(begun.authorizationUrl).searchParams.get('redirect_uri')).toBe(uri)
      const mine = readAnswer(begun, provider.authorize(begun.authorizationUrl, 'redirected'))
      expect((await sendLogin(server.client, mine)).errors).toBeUndefined()
      const sent = provider.requests.findLast(({ endpoint }) => endpoint === 'token')!.parameters
      expect(sent.get('redirect_uri')).toBe(uri)
    })

    // RFC 9700, section 4.1; each has been someone's open redirect.
    const elsewhere = [
      '',
      ' ',
      `${redirectUri} `,
      `${redirectUri}/`,
      `${redirectUri}?x=1`,
      `${redirectUri}#x`,
      `${redirectUri}%20`,
      `${redirectUri}\n`,
      `${redirectUri}\\`,
      `${redirectUri}/../x`,
      `${redirectUri}/..;/x`,
      `${redirectUri},${appUri}`,
      'http://127.0.0.1:51004/other',
      'http://localhost:51004/callback',
      'http://127.0.0.1:51004@evil.example/callback',
      'http://127.0.0.1.evil.example:51004/callback',
      redirectUri.toUpperCase(),
      'https://APP.example.com/callback',
      'https://app.example.com/Callback',
      'https://app.example.com/./callback',
      'https://app.example.com//callback',
      'https://app.example.com/%63allback',
      'https://app.example.com',
      'https://app.example.com:443/callback',
      'https://app.example.com:8443/callback',
      'http://app.example.com/callback',
      '//app.example.com/callback',
      '/callback',
      'https://app.example.com.evil.example/callback',
      'https://app.example.com@evil.example/callback',
      'https://evil.example/https://app.example.com/callback',
      'https://appXexample.com/callback',
      'https://аpp.example.com/callback',
      'https:\\\\app.example.com\\callback',
      'javascript:alert(1)//https://app.example.com/callback',
      'data:text/html,https://app.example.com/callback',
      'com.example.app:/callback/',
      'com.example.app://callback',
    ]
    it.each(elsewhere)('nowhere else: %j', async (uri) => {
      const answer = await sendBegin(server.client, 'test', uri)
      expect(answer.code).toBe('BAD_USER_INPUT')
      expect(answer.errors![0]!.extensions.field).toBe('redirectUri')
      expect(answer.text).not.toContain('evil')
    })
  })

  it('is unknown at a provider that is not configured', async () => {
    const { accessToken } = await server.client.register()
    const mine = await comeBack('victim')
    for (const name of ['', 'google', 'TEST', 'test ', '__proto__', 'constructor', '"><script>']) {
      const client = server.client.as(accessToken)
      const answers = [
        await sendBegin(client, name),
        await sendLogin(client, { ...mine, provider: name }),
        await sendLink(client, { ...mine, provider: name }),
        await sendUnlink(client, name),
      ]
      expect(answers.map(({ code }) => code)).toEqual(Array(4).fill('UNKNOWN_PROVIDER'))
      expect(answers.every(({ text }) => !text.includes('script'))).toBe(true)
    }
  })
})
