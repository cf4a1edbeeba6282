import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  redirectUri,
  startIdentityProvider,
  type IdentityProvider,
} from '../support/identity-provider.ts'
import {
  begin,
  openidVariables,
  readAnswer,
  sendLogin,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

describe('signing in with an OpenID provider', () => {
  let idp: IdentityProvider
  let server: TestServer
  beforeAll(async () => {
    idp = await startIdentityProvider()
    idp.add({ sub: 'p1', email: 'Grace@Example.com', email_verified: true, name: 'Grace' })
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('test', idp),
      OIDC_TEST_LABEL: 'The test provider',
    })
  })
  afterAll(async () => {
    await server.close()
    await idp.close()
  })
  const signIn = (sub: string) => signInWith(server.client, 'test', (url) => idp.signIn(url, sub))

  it('shows the button', async () => {
    const answer = await server.client.send('{ providers { id name } }')
    expect(answer.data.providers).toEqual([{ id: 'test', name: 'The test provider' }])
  })

  it('makes an account the first time and finds it again the second time', async () => {
    const first = await signIn('p1')
    expect(first.errors).toBeUndefined()
    const { accessToken, user } = first.data.loginWithProvider
    expect(user).toEqual({
      id: expect.any(String),
      email: 'grace@example.com',
      emailVerified: true,
      name: 'Grace',
      hasPassword: false,
      identities: [{ provider: 'test', email: 'grace@example.com' }],
      sessions: [{ method: 'test', current: true }],
    })
    const second = await signIn('p1')
    expect(second.data.loginWithProvider.user.id).toBe(user.id)
    const me = await server.client.as(accessToken).send('{ protected me { id } }')
    expect(me.data.me.id).toBe(user.id)
    expect(me.data.protected).toContain('grace@example.com')
  })

  it('asks for the code with PKCE by S256, a nonce, and state that differ each time', async () => {
    const asked = []
    for (let round = 0; round < 2; round++) {
      const { authorizationUrl, flowToken } = await begin(server.client, 'test')
      const url = new URL(authorizationUrl)
      expect(url.origin).toBe(idp.issuer)
      const parameters = Object.fromEntries(url.searchParams)
      expect(parameters).toEqual({
        response_type: 'code',
        client_id: idp.clientId,
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 'S256',
        state: expect.stringMatching(/^[\w-]{43}$/),
        nonce: expect.stringMatching(/^[\w-]{43}$/),
      })
      const { code_challenge, state, nonce } = parameters
      asked.push(code_challenge, state, nonce, flowToken)
    }
    expect(new Set(asked).size).toBe(8)
  })

  it('brings back what shows that this provider has answered', async () => {
    const begun = await begin(server.client, 'test')
    const answer = readAnswer(begun, await idp.signIn(begun.authorizationUrl, 'p1'))
    expect(answer.iss).toBe(idp.issuer)
    const unnamed = await sendLogin(server.client, { ...answer, iss: undefined })
    expect(unnamed.code).toBe('PROVIDER_ERROR')
  })

  it('is refused by a provider that demands PKCE if the verifier is another or none', async () => {
    for (const verifier of ['v'.repeat(43), '']) {
      const begun = await begin(server.client, 'test')
      const answer = readAnswer(begun, await idp.signIn(begun.authorizationUrl, 'p1'))
      await server.database.query('update provider_flows set code_verifier = ?', [verifier])
      expect((await sendLogin(server.client, answer)).code).toBe('PROVIDER_ERROR')
    }
  })

  it('is refused by the provider with a code that was used before', async () => {
    const first = await begin(server.client, 'test')
    const used = readAnswer(first, await idp.signIn(first.authorizationUrl, 'p1'))
    expect((await sendLogin(server.client, used)).errors).toBeUndefined()
    const second = await begin(server.client, 'test')
    const fresh = readAnswer(second, new URL(second.authorizationUrl))
    const replayed = { ...fresh, code: used.code, iss: used.iss }
    expect((await sendLogin(server.client, replayed)).code).toBe('PROVIDER_ERROR')
  })
})
