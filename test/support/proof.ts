/** Sessions whose user proved long ago who they are, and the ways to prove it again. */
import type { Answer, Client, Tokens } from './client.ts'
import { authPayload } from './client.ts'
import { readAnswer, type Browser, type ProviderAnswer } from './provider-sign-in.ts'
import type { TestServer } from './server.ts'

type Sender = Pick<Client, 'send'>

/** @returns the tokens of the same session, as if its user had signed in an hour ago */
export async function longAgo<T extends Pick<Tokens, 'refreshToken'>>(
  server: TestServer,
  signedIn: T,
  seconds = 3600,
): Promise<T & Tokens> {
  const answer = await server.client.refresh(signedIn.refreshToken)
  const sessionId = sidOf(answer.data.refreshToken.accessToken)
  const milliseconds = seconds * 1000
  await server.database.query(
    `update sessions set created_at = created_at - ${milliseconds},
       authenticated_at = authenticated_at - ${milliseconds} where id = ?`,
    [sessionId],
  )
  const again = await server.client.refresh(answer.data.refreshToken.refreshToken)
  return { ...signedIn, ...again.data.refreshToken }
}

export function sidOf(accessToken: string): string {
  const claims = Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()
  return (JSON.parse(claims) as { sid: string }).sid
}

export function sendReauthenticate(
  client: Sender,
  password: unknown,
  headers?: Record<string, string>,
): Promise<Answer> {
  return client.send(
    `mutation ($password: String!) { reauthenticate(password: $password) { ${authPayload} } }`,
    { password },
    headers,
  )
}

export async function beginProof(client: Sender, provider: string, redirectUri: string) {
  const answer = await client.send(
    `mutation ($provider: String!, $redirectUri: String!) {
      beginProviderLogin(provider: $provider, redirectUri: $redirectUri, purpose: REAUTHENTICATE) {
        authorizationUrl flowToken
      }
    }`,
    { provider, redirectUri },
  )
  return { provider, answer, ...answer.data?.beginProviderLogin } as {
    provider: string
    answer: Answer
    authorizationUrl: string
    flowToken: string
  }
}

export function sendProof(client: Sender, answer: ProviderAnswer): Promise<Answer> {
  return client.send(
    `mutation ($provider: String!, $code: String!, $state: String!, $flowToken: String!, $iss: String) {
      reauthenticateWithProvider(provider: $provider, code: $code, state: $state,
        flowToken: $flowToken, iss: $iss) { ${authPayload} }
    }`,
    { ...answer },
  )
}

/** The whole way to the provider and back. */
export async function proveWith(
  client: Sender,
  provider: string,
  browser: Browser,
  redirectUri: string,
): Promise<Answer> {
  const begun = await beginProof(client, provider, redirectUri)
  if (begun.answer.errors) throw new Error(`beginProviderLogin failed: ${begun.answer.text}`)
  return sendProof(client, readAnswer(begun, await browser(begun.authorizationUrl)))
}
