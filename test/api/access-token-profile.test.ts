// The profile of RFC 9068, by a verifier that Latchkey does not use itself.
import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import type { Tokens } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { currentKey, decodeCompact, signCompact } from '../support/signing.ts'

const issuer = 'https://auth.example.com'
const notes = 'https://notes.example.com'

function validate(server: TestServer, token: string, audience: string) {
  const request = new Request('https://notes.example.com/', {
    headers: { authorization: `Bearer ${token}` },
  })
  const as = { issuer, jwks_uri: `${issuer}/.well-known/jwks.json` }
  return oauth.validateJwtAccessToken(as, request, audience, {
    // The test's server is not where its issuer says.
    [oauth.customFetch]: (url) => fetch(url.replace(issuer, server.url)),
    signingAlgorithms: ['EdDSA', 'ES256', 'RS256'],
  })
}

async function narrowed(server: TestServer, { accessToken }: Tokens): Promise<string> {
  const answer = await server.client
    .as(accessToken)
    .send(
      'mutation ($audiences: [String!]!) { narrowAccessToken(audiences: $audiences) { accessToken } }',
      {
        audiences: [notes],
      },
    )
  return answer.data.narrowAccessToken.accessToken
}

describe('an access token has what RFC 9068 requires', () => {
  it.each(['EdDSA', 'ES256', 'RS256'])(
    'and is accepted by a strict verifier: %s',
    async (algorithm) => {
      const server = await startServer({
        TOKEN_ISSUER: issuer,
        TOKEN_AUDIENCE: notes,
        TOKEN_ALGORITHM: algorithm,
        TOKEN_CLIENT_ID: 'https://app.example.com',
      })
      const account = await server.client.register()
      const expected = { sub: account.user.id, client_id: 'https://app.example.com' }
      for (const audience of [notes, issuer]) {
        expect(await validate(server, account.accessToken, audience)).toMatchObject(expected)
      }
      const narrow = await narrowed(server, account)
      expect(await validate(server, narrow, notes)).toMatchObject({ ...expected, aud: notes })
      await expect(validate(server, narrow, issuer)).rejects.toThrow(
        'unexpected JWT "aud" (audience) claim',
      )
    },
  )

  it('after a refresh and after a proof as well', async () => {
    const server = await startServer({ TOKEN_ISSUER: issuer })
    const account = await server.client.register()
    const { data } = await server.client.refresh(account.refreshToken)
    const { accessToken } = data.refreshToken
    const proof = await server.client
      .as(accessToken)
      .send(
        'mutation ($password: String!) { reauthenticate(password: $password) { accessToken } }',
        {
          password: account.password,
        },
      )
    for (const token of [accessToken, proof.data.reauthenticate.accessToken]) {
      expect(await validate(server, token, issuer)).toMatchObject({ client_id: 'latchkey' })
    }
  })

  it.each(['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'])(
    'and the verifier notices when %s is missing',
    async (name) => {
      const server = await startServer({ TOKEN_ISSUER: issuer })
      const { accessToken } = await server.client.register()
      const { claims, header } = decodeCompact(accessToken)
      const token = signCompact(header, { ...claims, [name]: undefined }, await currentKey(server))
      await expect(validate(server, token, issuer)).rejects.toThrow('claim')
    },
  )
})
