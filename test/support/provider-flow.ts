/** The client's two halves of a sign-in with a provider. */
import type { Answer, Client } from './client.ts'

type Sender = Pick<Client, 'send'>

export interface BegunLogin {
  readonly authorizationUrl: string
  readonly flowToken: string
}

export async function beginLogin(
  client: Sender,
  provider: string,
  redirectUri: string,
): Promise<BegunLogin> {
  const answer = await client.send(
    `mutation ($provider: String!, $redirectUri: String!) {
      beginProviderLogin(provider: $provider, redirectUri: $redirectUri) { authorizationUrl flowToken }
    }`,
    { provider, redirectUri },
  )
  if (answer.errors) throw new Error(`beginProviderLogin failed: ${answer.text}`)
  return answer.data.beginProviderLogin
}

/** @param back where the provider has sent the browser, with its answer */
export function finishLogin(
  client: Sender,
  provider: string,
  flowToken: string,
  back: URL,
): Promise<Answer> {
  return client.send(
    `mutation ($provider: String!, $code: String!, $state: String!, $flowToken: String!, $iss: String) {
      loginWithProvider(
        provider: $provider, code: $code, state: $state, flowToken: $flowToken, iss: $iss
      ) {
        accessToken refreshToken
        user { id email emailVerified name hasPassword identities { provider email } }
      }
    }`,
    {
      provider,
      code: back.searchParams.get('code'),
      state: back.searchParams.get('state'),
      iss: back.searchParams.get('iss'),
      flowToken,
    },
  )
}
