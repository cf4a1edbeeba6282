/** A real OpenID provider on loopback, and a browser that signs in at it. */
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type Configuration } from 'oidc-provider'
import { memoryAdapter } from '../../scripts/memory-adapter.ts'

/** A user at the provider. */
export interface Person {
  readonly sub: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly name?: string
}

export interface IdentityProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Adds a user who can sign in, or changes what is known of one. */
  add(person: Person): void
  /** What a browser does: signs in as the user, and stops at the redirect URI. */
  signIn(authorizationUrl: string, sub: string): Promise<URL>
  close(): Promise<void>
}

export const redirectUri = 'https://app.example.com/callback'

const interactionPath = '/interaction/'
/** By which a browser says who it is, in place of a form. */
export const personHeader = 'x-person'

/** @param redirectUris where users may be sent back to, next to the one above */
export async function startIdentityProvider(
  overrides: Partial<Configuration> = {},
  redirectUris: readonly string[] = [],
): Promise<IdentityProvider> {
  const people = new Map<string, Person>()
  const http: Server = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const clientId = 'latchkey'
  const clientSecret = 'a client secret that only the tests use'
  const provider = new Provider(issuer, {
    adapter: memoryAdapter(),
    jwks: { keys: [signingKey()] },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri, ...redirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    findAccount: (_context, sub) => {
      const person = people.get(sub)
      return person && { accountId: sub, claims: () => ({ ...person }) }
    },
    // Everyone agrees to everything that the client asks for.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session!.accountId! })
      grant.addOIDCScope(String(oidc.params!['scope']))
      await grant.save()
      return grant
    },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: ['a key that only the tests use'] },
    pkce: { required: () => true },
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 3600,
    },
    interactions: { url: (_context, { uid }) => `${interactionPath}${uid}` },
    features: { devInteractions: { enabled: false } },
    ...overrides,
  })
  const handle = provider.callback()
  http.on('request', (request, response) => {
    if (request.url?.startsWith(interactionPath)) {
      const accountId = String(request.headers[personHeader])
      void provider.interactionFinished(request, response, { login: { accountId } })
    } else {
      void handle(request, response)
    }
  })
  return {
    issuer,
    clientId,
    clientSecret,
    add: (person) => void people.set(person.sub, person),
    signIn,
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
  for (let step = 0; step < 10; step++) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        [personHeader]: sub,
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
    for (const header of response.headers.getSetCookie()) {
      const [pair = ''] = header.split(';')
      const at = pair.indexOf('=')
      cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    const page = await response.text()
    const location = response.headers.get('location')
    if (!location) throw new Error(`The provider refuses: ${response.status} ${page}`)
    url = new URL(location, url)
    if (url.href.startsWith(redirectUri)) return url
  }
  throw new Error('The provider never comes back')
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }
}
