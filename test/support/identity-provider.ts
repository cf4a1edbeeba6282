/** A real OpenID provider on loopback, and a browser that signs in at it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type Configuration } from 'oidc-provider'

/** A person at the provider. */
export interface Person {
  readonly sub: string
  readonly email?: string
  // oxlint-disable-next-line typescript/no-explicit-any -- hostile providers say `"true"` and 1
  readonly email_verified?: any
  readonly name?: string
}

export interface IdentityProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Adds a person who can sign in. */
  add(person: Person): void
  /** What a browser does: signs in as the person, agrees, and stops at the redirect URI. */
  signIn(authorizationUrl: string, sub: string): Promise<URL>
  close(): Promise<void>
}

export const redirectUri = 'https://app.example.com/callback'

export async function startIdentityProvider(
  overrides: Partial<Configuration> = {},
): Promise<IdentityProvider> {
  const people = new Map<string, Person>()
  const http: Server = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const clientId = 'latchkey'
  const clientSecret = 'a secret that only the tests of this repository use'
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    findAccount: (_context, sub) => {
      const person = people.get(sub)
      return person && { accountId: sub, claims: () => ({ ...person }) }
    },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: ['a key that only the tests of this repository use'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    ...overrides,
  })
  const handle = provider.callback()
  http.on('request', (request, response) => void handle(request, response))
  return {
    issuer,
    clientId,
    clientSecret,
    add: (person) => void people.set(person.sub, person),
    signIn: (authorizationUrl, sub) => signIn(authorizationUrl, sub),
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
}

async function signIn(authorizationUrl: string, sub: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = new URL(authorizationUrl)
  let body: URLSearchParams | undefined
  for (let step = 0; step < 20; step++) {
    const response = await fetch(url, {
      redirect: 'manual',
      method: body ? 'POST' : 'GET',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body && { body }),
    })
    for (const header of response.headers.getSetCookie()) {
      const [pair = ''] = header.split(';')
      const at = pair.indexOf('=')
      cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    const location = response.headers.get('location')
    const page = await response.text()
    if (location) {
      url = new URL(location, url)
      body = undefined
      if (url.href.startsWith(redirectUri)) return url
    } else {
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1]
      if (!action) throw new Error(`The provider shows no form: ${response.status} ${page}`)
      url = new URL(action, url)
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? ''
      body = new URLSearchParams({ prompt, login: sub, password: 'any' })
    }
  }
  throw new Error('The provider never comes back')
}
