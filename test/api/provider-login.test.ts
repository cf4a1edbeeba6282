import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  startIdentityProvider,
  redirectUri,
  type IdentityProvider,
} from '../support/identity-provider.ts'
import { startServer, type TestServer } from '../support/server.ts'

describe('signing in with an OpenID provider', () => {
  let idp: IdentityProvider
  let server: TestServer
  beforeAll(async () => {
    idp = await startIdentityProvider()
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      OIDC_TEST_ISSUER: idp.issuer,
      OIDC_TEST_CLIENT_ID: idp.clientId,
      OIDC_TEST_CLIENT_SECRET: idp.clientSecret,
      OIDC_TEST_LABEL: 'The test provider',
    })
  })
  afterAll(async () => {
    await server.close()
    await idp.close()
  })

  it('makes an account the first time and finds it again the second time', async () => {
    idp.add({ sub: 'p1', email: 'Grace@Example.com', email_verified: true, name: 'Grace' })
    const ids = []
    for (let round = 0; round < 2; round++) {
      const begun = await server.client.send(
        `mutation ($redirectUri: String!) {
          beginProviderLogin(provider: "test", redirectUri: $redirectUri) { authorizationUrl flowToken }
        }`,
        { redirectUri },
      )
      expect(begun.errors).toBeUndefined()
      const { authorizationUrl, flowToken } = begun.data.beginProviderLogin
      const back = await idp.signIn(authorizationUrl, 'p1')
      const answer = await server.client.send(
        `mutation ($code: String!, $state: String!, $flowToken: String!, $iss: String) {
          loginWithProvider(provider: "test", code: $code, state: $state, flowToken: $flowToken, iss: $iss) {
            accessToken user { id email emailVerified name hasPassword identities { provider email } }
          }
        }`,
        {
          code: back.searchParams.get('code'),
          state: back.searchParams.get('state'),
          iss: back.searchParams.get('iss'),
          flowToken,
        },
      )
      expect(answer.errors).toBeUndefined()
      expect(answer.data.loginWithProvider.user).toMatchObject({
        email: 'grace@example.com',
        emailVerified: true,
        name: 'Grace',
        hasPassword: false,
        identities: [{ provider: 'test', email: 'grace@example.com' }],
      })
      ids.push(answer.data.loginWithProvider.user.id)
    }
    expect(ids[0]).toBe(ids[1])
  })
})
