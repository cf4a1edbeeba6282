/** A sign-in with a provider, step by step, as a client does it. */
import type { Answer, Client } from './client.ts'
import { redirectUri } from './identity-provider.ts'
import type { Environment } from './server.ts'

type Sender = Pick<Client, 'send'>

export interface BegunLogin {
  readonly provider: string
  readonly authorizationUrl: string
  readonly flowToken: string
}

/** The arguments of `loginWithProvider` and `linkProvider`. */
export interface ProviderAnswer {
  readonly provider: string
  readonly code: string | null
  readonly state: string | null
  readonly flowToken: string
  readonly iss?: string | null | undefined
}

/** From the authorization URL to what comes back to the redirect URI. */
export type Browser = (authorizationUrl: string) => Promise<URL> | URL

const providerUser =
  'id email emailVerified name hasPassword identities { provider email } sessions { method current }'

/** The variables that make an OpenID issuer known as the provider of this name. */
export function openidVariables(
  name: string,
  provider: { issuer: string; clientId: string; clientSecret: string },
): Environment {
  const prefix = `OIDC_${name.toUpperCase().replaceAll('-', '_')}`
  return {
    [`${prefix}_ISSUER`]: provider.issuer,
    [`${prefix}_CLIENT_ID`]: provider.clientId,
    [`${prefix}_CLIENT_SECRET`]: provider.clientSecret,
  }
}

export function sendBegin(client: Sender, provider: string, uri = redirectUri): Promise<Answer> {
  return client.send(
    `mutation ($provider: String!, $redirectUri: String!) {
      beginProviderLogin(provider: $provider, redirectUri: $redirectUri) {
        authorizationUrl flowToken expiresAt
      }
    }`,
    { provider, redirectUri: uri },
  )
}

/** @throws if the server refuses */
export async function begin(
  client: Sender,
  provider: string,
  uri = redirectUri,
): Promise<BegunLogin> {
  const answer = await sendBegin(client, provider, uri)
  if (answer.errors) throw new Error(`beginProviderLogin failed: ${answer.text}`)
  return { provider, ...answer.data.beginProviderLogin }
}

/** What the client reads from the address to which the user came back. */
export function readAnswer(
  { provider, flowToken }: Pick<BegunLogin, 'provider' | 'flowToken'>,
  back: URL,
): ProviderAnswer {
  const [code, state, iss] = ['code', 'state', 'iss'].map((name) => back.searchParams.get(name))
  return { provider, flowToken, code: code!, state: state!, ...(iss && { iss }) }
}

const variables =
  '$provider: String!, $code: String!, $state: String!, $flowToken: String!, $iss: String'
const values = 'provider: $provider, code: $code, state: $state, flowToken: $flowToken, iss: $iss'

export function sendLogin(
  client: Sender,
  answer: ProviderAnswer,
  transport: 'BODY' | 'COOKIE' = 'BODY',
): Promise<Answer> {
  return client.send(
    `mutation (${variables}, $transport: TokenTransport!) {
      loginWithProvider(${values}, transport: $transport) {
        accessToken refreshToken user { ${providerUser} }
      }
    }`,
    { ...answer, transport },
  )
}

export function sendLink(client: Sender, answer: ProviderAnswer): Promise<Answer> {
  return client.send(`mutation (${variables}) { linkProvider(${values}) { ${providerUser} } }`, {
    ...answer,
  })
}

export function sendUnlink(client: Sender, provider: string): Promise<Answer> {
  return client.send(
    `mutation ($provider: String!) { unlinkProvider(provider: $provider) { ${providerUser} } }`,
    { provider },
  )
}

/** The whole way: starts, signs in at the provider, and logs in with its response. */
export async function signInWith(
  client: Sender,
  provider: string,
  browser: Browser,
): Promise<Answer> {
  const begun = await begin(client, provider)
  return sendLogin(client, readAnswer(begun, await browser(begun.authorizationUrl)))
}

/** The same, for an account that is signed in. */
export async function linkWith(
  client: Sender,
  provider: string,
  browser: Browser,
): Promise<Answer> {
  const begun = await begin(client, provider)
  return sendLink(client, readAnswer(begun, await browser(begun.authorizationUrl)))
}
