// Providers that are set up in their own way, or do not keep to the letter of the specifications.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  startHostileProvider,
  type Answering,
  type HostileProvider,
  type Lies,
  type ProviderRequest,
  type Refusal,
} from '../support/hostile-provider.ts'
import { redirectUri, startIdentityProvider } from '../support/identity-provider.ts'
import { openidVariables, signInWith } from '../support/provider-sign-in.ts'
import { startServer, type Environment, type TestServer } from '../support/server.ts'

let users = 0

describe('an OpenID provider', () => {
  let server: TestServer
  let provider: HostileProvider
  beforeAll(async () => {
    provider = await startHostileProvider()
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('test', provider),
      OIDC_TEST_KEEP_TOKENS: 'on',
    })
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
  })

  const signIn = (lies: Lies = {}, sub = `sub-${++users}`) =>
    signInWith(server.client, 'test', (url) => provider.authorize(url, sub, lies))
  const forgetMetadata = () => server.advance(3600)

  describe('whose token response', () => {
    const asked = ['openid', 'email', 'profile']
    const soon = expect.any(String)
    const responses: [what: string, tokens: Record<string, unknown>, token: object][] = [
      ['has a null refresh token', { refresh_token: null }, { scopes: asked, expiresAt: soon }],
      ['has an empty refresh token', { refresh_token: '' }, { scopes: asked, expiresAt: soon }],
      ['has false for a refresh token', { refresh_token: false }, { scopes: asked }],
      ['lists its scopes', { scope: ['openid', 'email'] }, { scopes: ['openid', 'email'] }],
      ['lists no scopes', { scope: [] }, { scopes: [] }],
      ['has a null scope', { scope: null }, { scopes: asked }],
      ['has an empty scope', { scope: '' }, { scopes: asked }],
      ['has a lifetime in text', { expires_in: '3600' }, { expiresAt: soon }],
      ['has a null lifetime', { expires_in: null }, { expiresAt: null }],
      ['has an empty lifetime', { expires_in: '' }, { expiresAt: null }],
      ['has a lifetime that is none', { expires_in: 'never' }, { expiresAt: null }],
      ['has a negative lifetime', { expires_in: -1 }, { expiresAt: null }],
      ['has no token type', { token_type: null }, { scopes: asked }],
      ['has another spelling of the token type', { token_type: 'BEARER' }, { scopes: asked }],
      ['has nulls for what we do not know', { id: null, user: null }, { scopes: asked }],
      [
        'is full of nulls',
        { refresh_token: null, scope: null, expires_in: null, token_type: null, error: null },
        { scopes: asked, expiresAt: null },
      ],
    ]
    it.each(responses)('%s is understood', async (_what, tokens, token) => {
      const answer = await signIn({ tokens })
      expect(answer.errors).toBeUndefined()
      const { data } = await server.client
        .as(answer.data.loginWithProvider.accessToken)
        .send('{ providerToken(provider: "test") { scopes expiresAt } }')
      expect(data.providerToken).toMatchObject(token)
    })

    it.each([
      ['has no access token', { access_token: null }],
      ['has an empty access token', { access_token: '' }],
      ['has no ID token', { id_token: null }],
      ['has an empty ID token', { id_token: '' }],
      ['has a list for a refresh token', { refresh_token: ['a'] }],
      ['has a token of another type', { token_type: 'mac' }],
    ])('%s is refused', async (_what, tokens) => {
      expect((await signIn({ tokens })).code).toBe('PROVIDER_ERROR')
    })
  })

  it('that gives a refresh token only the first time has it kept through later sign-ins', async () => {
    for (const later of [undefined, null, '']) {
      const sub = `sub-${++users}`
      await signIn({ tokens: { refresh_token: 'the first one', expires_in: 1 } }, sub)
      const answer = await signIn({ tokens: { refresh_token: later, expires_in: 1 } }, sub)
      provider.answering.token = (response) =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"access_token":"renewed","token_type":"bearer","expires_in":3600}')
      const { data } = await server.client
        .as(answer.data.loginWithProvider.accessToken)
        .send('{ providerToken(provider: "test") { accessToken } }')
      delete provider.answering.token
      expect(data.providerToken.accessToken).toBe('renewed')
      const { parameters } = provider.requests.at(-1)!
      expect(parameters.get('refresh_token')).toBe('the first one')
    }
  })

  it('whose metadata have nulls and empty texts is understood', async () => {
    const before = { ...provider.metadata }
    for (const nothing of [null, '']) {
      Object.assign(provider.metadata, {
        userinfo_endpoint: nothing,
        scopes_supported: nothing,
        token_endpoint_auth_methods_supported: nothing,
        code_challenge_methods_supported: nothing,
        authorization_response_iss_parameter_supported: nothing,
        end_session_endpoint: nothing,
      })
      forgetMetadata()
      expect((await signIn()).errors).toBeUndefined()
    }
    for (const name of Object.keys(provider.metadata)) delete provider.metadata[name]
    Object.assign(provider.metadata, before)
    forgetMetadata()
  })

  const claims: [what: string, lies: Lies, user: object][] = [
    [
      'has nulls',
      { claims: { azp: null, name: null, email: null, email_verified: null } },
      { name: null, email: null },
    ],
    [
      'has empty texts',
      { claims: { name: '', email: '', given_name: '', azp: '' } },
      { name: null, email: null },
    ],
    [
      'has nulls for what userinfo says',
      {
        claims: { name: null, email: '', email_verified: null },
        userinfo: { name: 'Ada', email: 'nulls@example.com', email_verified: true },
      },
      { name: 'Ada', email: 'nulls@example.com', emailVerified: true },
    ],
    [
      'says more than userinfo, which has nulls',
      {
        claims: { name: 'Ada', email: 'more@example.com' },
        userinfo: { name: null, email: null, email_verified: null },
      },
      { name: 'Ada', email: 'more@example.com', emailVerified: false },
    ],
    [
      'has the name in two parts',
      { claims: { given_name: 'Ada', family_name: 'Lovelace' } },
      { name: 'Ada Lovelace' },
    ],
    [
      'has the given name only',
      { claims: { given_name: 'Ada', family_name: '' } },
      { name: 'Ada' },
    ],
    [
      'has a name that users choose, and userinfo the whole one',
      { claims: { preferred_username: 'ada' }, userinfo: { name: 'Ada Lovelace' } },
      { name: 'Ada Lovelace' },
    ],
  ]
  it.each(claims)('whose ID token %s is understood', async (_what, lies, user) => {
    const answer = await signIn(lies)
    expect(answer.errors).toBeUndefined()
    expect(answer.data.loginWithProvider.user).toMatchObject(user)
  })

  describe('with userinfo', () => {
    const whole = () => ({
      email: `whole${++users}@example.com`,
      email_verified: false,
      name: 'Grace',
    })
    const asked = () => provider.requests.filter(({ endpoint }) => endpoint === 'userinfo').length

    it('is not asked for it if the ID token has everything', async () => {
      const before = asked()
      const answer = await signIn({ claims: whole(), userinfo: { sub: 'somebody else' } })
      expect(answer.errors).toBeUndefined()
      expect(asked()).toBe(before)
    })

    it.each(['email', 'email_verified', 'name'])('is asked for it without %s', async (missing) => {
      const before = asked()
      await signIn({ claims: { ...whole(), [missing]: undefined } })
      expect(asked()).toBe(before + 1)
    })

    it('signs in with what the ID token says where userinfo is broken, and logs it', async () => {
      // As ADFS does.
      provider.answering.userinfo = (response) =>
        response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
      const { email } = whole()
      const answer = await signIn({ claims: { email } })
      delete provider.answering.userinfo
      expect(answer.data.loginWithProvider.user).toMatchObject({ email, name: null })
      expect(server.logText()).toContain('"msg":"The provider failed"')
    })

    it.each([
      ['fails', 500],
      ['is overloaded', 503],
      ['limits requests', 429],
    ])(
      'refuses a first sign-in without an address, and keeps the one of a later one, when it %s',
      async (_what, status) => {
        const sub = `passing${++users}`
        const email = `${sub}@example.com`
        const attempt = () =>
          signInWith(server.client, 'test', (url) =>
            provider.authorize(url, sub, { userinfo: { email, email_verified: true } }),
          )
        const failing: Answering = (response) => response.writeHead(status).end()
        provider.answering.userinfo = failing
        const refused = await attempt()
        delete provider.answering.userinfo
        expect(refused.code).toBe('PROVIDER_ERROR')
        const first = (await attempt()).data.loginWithProvider.user
        expect(first).toMatchObject({ email, emailVerified: true })
        provider.answering.userinfo = failing
        const later = await attempt()
        delete provider.answering.userinfo
        expect(later.data.loginWithProvider.user).toMatchObject({
          id: first.id,
          identities: [{ email }],
        })
      },
    )

    it.each([401, 403, 404])(
      'signs in for the first time without an address when userinfo is refused with %i',
      async (status) => {
        provider.answering.userinfo = (response) => response.writeHead(status).end()
        const answer = await signIn({})
        delete provider.answering.userinfo
        expect(answer.data.loginWithProvider.user).toMatchObject({ email: null })
      },
    )

    it('may leave out of userinfo whose it is: then nothing of it is used', async () => {
      const answer = await signIn({ userinfo: { sub: undefined, name: 'Grace' } })
      expect(answer.data.loginWithProvider.user).toMatchObject({ name: null, email: null })
    })

    it('is refused where userinfo is of another subject', async () => {
      const answer = await signIn({ userinfo: { sub: 'somebody else' } })
      expect(answer.code).toBe('PROVIDER_ERROR')
    })
  })
})

describe('a client that proves itself to the token endpoint', () => {
  const both = ['client_secret_post', 'client_secret_basic']
  const isBasic = ({ authorization }: ProviderRequest) => authorization !== undefined
  const wayOf = (request: ProviderRequest) =>
    isBasic(request) ? 'basic' : request.parameters.has('client_secret') ? 'post' : 'none'
  /** As they are in the wild: RFC 6749 asks for 401 with a challenge after Basic. */
  const refusals: [what: string, refusal: Refusal][] = [
    ['unauthorized_client', { status: 400, error: 'unauthorized_client' }],
    ['invalid_client', { status: 400, error: 'invalid_client' }],
    [
      'a challenge',
      { status: 401, error: 'invalid_client', headers: { 'www-authenticate': 'Basic' } },
    ],
    ['403', { status: 403, error: 'unauthorized_client' }],
    ['401 and nothing else', { status: 401, headers: { 'content-type': 'text/plain' } }],
  ]

  /** @param env beside issuer, id and secret */
  async function start(supported: unknown, secret?: string, env: Environment = {}) {
    const provider = await startHostileProvider()
    provider.metadata['token_endpoint_auth_methods_supported'] = supported
    const server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('test', provider),
      ...(secret !== undefined && { OIDC_TEST_CLIENT_SECRET: secret }),
      ...env,
    })
    const signIn = async () => {
      const already = provider.requests.length
      const answer = await signInWith(server.client, 'test', (url) =>
        provider.authorize(url, `sub-${++users}`),
      )
      const requests = provider.requests.slice(already)
      return { answer, ways: requests.filter(({ endpoint }) => endpoint === 'token').map(wayOf) }
    }
    return { provider, server, signIn }
  }

  it.each(refusals)('tries the other way after %s, and remembers it', async (_what, refusal) => {
    const { provider, signIn } = await start(both)
    provider.refuseClient = (request) => (isBasic(request) ? refusal : undefined)
    const first = await signIn()
    expect([first.answer.code, first.ways]).toEqual([undefined, ['basic', 'post']])
    const second = await signIn()
    expect([second.answer.code, second.ways]).toEqual([undefined, ['post']])
    // The operator of the provider has changed the client.
    provider.refuseClient = (request) => (isBasic(request) ? undefined : refusal)
    const third = await signIn()
    expect([third.answer.code, third.ways]).toEqual([undefined, ['post', 'basic']])
    await provider.close()
  })

  it('takes Basic first if both are open, or the metadata say nothing', async () => {
    for (const supported of [both, undefined, null]) {
      const { provider, signIn } = await start(supported)
      const { answer, ways } = await signIn()
      expect([answer.code, ways]).toEqual([undefined, ['basic']])
      await provider.close()
    }
  })

  it('does not try a way that the metadata rule out', async () => {
    const { provider, signIn } = await start(['client_secret_post'])
    provider.refuseClient = () => ({ status: 401, error: 'invalid_client' })
    const { answer, ways } = await signIn()
    expect([answer.code, ways]).toEqual(['PROVIDER_ERROR', ['post']])
    await provider.close()
  })

  it('has the right way the next time if the provider has used the code up', async () => {
    const { provider, signIn } = await start(both)
    provider.refuseClient = (request) =>
      isBasic(request) ? { status: 401, error: 'invalid_client', usesUp: true } : undefined
    expect((await signIn()).answer.code).toBe('PROVIDER_ERROR')
    const { answer, ways } = await signIn()
    expect([answer.code, ways]).toEqual([undefined, ['post']])
    await provider.close()
  })

  it('is refused in the end, says so in the log, and starts from the start the next time', async () => {
    const { provider, server, signIn } = await start(both)
    provider.refuseClient = () => ({ status: 401, error: 'invalid_client' })
    for (let round = 0; round < 2; round++) {
      const { answer, ways } = await signIn()
      expect([answer.code, ways]).toEqual(['PROVIDER_ERROR', ['basic', 'post']])
    }
    expect(server.logText()).toContain('The provider said invalid_client')
    expect(server.logText()).not.toContain(provider.clientSecret)
    await provider.close()
  })

  it('does not take another refusal for one of the client', async () => {
    const { provider, signIn } = await start(both)
    provider.refuseClient = () => ({ status: 400, error: 'invalid_grant' })
    const { answer, ways } = await signIn()
    expect([answer.code, ways]).toEqual(['PROVIDER_ERROR', ['basic']])
    await provider.close()
  })

  const secret = 'a secret/with+signs=100%'
  it.each([
    ['decodes', 'a+secret%2Fwith%2Bsigns%3D100%25'],
    ['does not decode', secret],
  ])('is understood by a provider that %s the secret of Basic', async (_what, expected) => {
    const { provider, signIn } = await start(['client_secret_basic'], secret)
    const credentials = Buffer.from(`${provider.clientId}:${expected}`).toString('base64')
    provider.refuseClient = ({ authorization }) =>
      authorization === `Basic ${credentials}` ? undefined : { status: 401 }
    expect((await signIn()).answer.errors).toBeUndefined()
    await provider.close()
  })

  it.each([
    ['decodes', 'urn%3Aapps%3A%2F7'],
    ['does not decode', 'urn:apps:/7'],
  ])('is understood by a provider that %s the id of Basic', async (_what, expected) => {
    const { provider, signIn } = await start(['client_secret_basic'], 'plain', {
      OIDC_TEST_CLIENT_ID: 'urn:apps:/7',
    })
    const credentials = Buffer.from(`${expected}:plain`).toString('base64')
    provider.refuseClient = ({ authorization }) =>
      authorization === `Basic ${credentials}` ? undefined : { status: 401 }
    // The audience of its ID tokens is another client: only the exchange counts here.
    expect((await signIn()).ways).toHaveLength(expected.includes('%') ? 1 : 2)
    await provider.close()
  })

  it.each([
    ['client_secret_post', 'post'],
    ['client_secret_basic', 'basic'],
  ])('does as the operator says: %s', async (method, way) => {
    const { provider, signIn } = await start(both, undefined, {
      OIDC_TEST_TOKEN_AUTH_METHOD: method,
    })
    expect((await signIn()).ways).toEqual([way])
    await provider.close()
  })

  it('needs no secret if it is public: PKCE and its id are enough', async () => {
    for (const env of [{}, { OIDC_TEST_TOKEN_AUTH_METHOD: 'none' }]) {
      const { provider, signIn } = await start(['none'], '', env)
      const { answer, ways } = await signIn()
      expect([answer.code, ways]).toEqual([undefined, ['none']])
      const { parameters } = provider.requests.find(({ endpoint }) => endpoint === 'token')!
      expect(parameters.get('client_id')).toBe(provider.clientId)
      expect(parameters.get('code_verifier')).toMatch(/^[\w-]{43,}$/)
      await provider.close()
    }
  })

  it.each(['client_secret_basic', 'none'] as const)(
    'is understood by a real provider that knows it by %s alone',
    async (method) => {
      const idp = await startIdentityProvider({
        clients: [
          {
            client_id: 'latchkey',
            ...(method === 'none' ? {} : { client_secret: secret }),
            redirect_uris: [redirectUri],
            grant_types: ['authorization_code'],
            token_endpoint_auth_method: method,
            id_token_signed_response_alg: 'ES256',
          },
        ],
      })
      idp.add({ sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada' })
      const clientSecret = method === 'none' ? '' : secret
      const server = await startServer({
        REDIRECT_URIS: redirectUri,
        ...openidVariables('real', { ...idp, clientSecret }),
      })
      const answer = await signInWith(server.client, 'real', (url) => idp.signIn(url, 'ada'))
      expect(answer.errors).toBeUndefined()
      expect(answer.data.loginWithProvider.user).toMatchObject({ name: 'Ada', emailVerified: true })
      await idp.close()
    },
  )
})
