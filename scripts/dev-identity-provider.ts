/**
 * An identity provider for trying out, on loopback: everyone who is listed on its page can be signed in
 * with one click. For development only; nothing in src/ knows of it.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { answerPage, peoplePage, type DevPerson } from './dev-pages.ts'
import { memoryAdapter } from './memory-adapter.ts'

export interface DevIdentityProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** A redirect URI of its own, for who has no front end yet: a page that shows what to do next. */
  readonly callbackUrl: string
  close(): Promise<void>
}

/** One for each thing that a provider can say of an address. */
export const people: readonly DevPerson[] = [
  { sub: 'katherine', name: 'Katherine Johnson', email: 'katherine@example.com', isProven: true },
  { sub: 'alan', name: 'Alan Turing', email: 'alan@example.com', isProven: false },
  { sub: 'rosalind', name: 'Rosalind Franklin', email: undefined, isProven: false },
]

const interactionPath = '/interaction/'
const callbackPath = '/callback'
const host = '127.0.0.1'

function cookieNames(port: string) {
  return {
    interaction: `dev-${port}-interaction`,
    resume: `dev-${port}-resume`,
    session: `dev-${port}-session`,
  }
}

/**
 * @param options.serverUrl where the server listens that sends users here
 * @param options.redirectUris where they may be sent back to, next to the page above
 */
export async function startDevIdentityProvider(options: {
  port: number
  serverUrl: string
  redirectUris: readonly string[]
}): Promise<DevIdentityProvider> {
  const http = createServer()
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(options.port, host, resolve)
  })
  const issuer = `http://${host}:${(http.address() as AddressInfo).port}`
  const clientId = 'latchkey'
  const clientSecret = randomBytes(24).toString('base64url')
  const callbackUrl = `${issuer}${callbackPath}`
  const provider = new Provider(issuer, {
    adapter: memoryAdapter(),
    jwks: { keys: [signingKey()] },
    cookies: {
      keys: [randomBytes(24).toString('base64url')],
      // Another one on this host, on another port, shares the browser's cookies.
      names: cookieNames(new URL(issuer).port),
    },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        // Native: https, http on loopback, and the schemes of apps, as in REDIRECT_URIS.
        application_type: 'native',
        redirect_uris: [callbackUrl, ...options.redirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    scopes: ['openid', 'offline_access'],
    findAccount: (_context, sub) => {
      const person = people.find((one) => one.sub === sub)
      return person && { accountId: sub, claims: () => claimsOf(person) }
    },
    // No one is asked what the client may know of them.
    loadExistingGrant: async ({ oidc }) => {
      const accountId = oidc.session?.accountId
      if (accountId === undefined) return undefined
      const grant = new oidc.provider.Grant({ clientId, accountId })
      grant.addOIDCScope(String(oidc.params?.['scope']))
      await grant.save()
      return grant
    },
    interactions: { url: (_context, { uid }) => `${interactionPath}${uid}` },
    features: { devInteractions: { enabled: false } },
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 600,
      Grant: 86_400,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
  })
  const handle = provider.callback()

  /** The user is chosen on the page, or named by `login_hint`, which is for curl. */
  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params, prompt } = await provider.interactionDetails(request, response)
    const form = request.method === 'POST' ? await readForm(request) : new URLSearchParams()
    const name = form.get('person') ?? params['login_hint']
    const person = people.find(({ email, sub }) => name === sub || (email && name === email))
    if (form.has('cancel')) {
      await provider.interactionFinished(request, response, { error: 'access_denied' })
    } else if (prompt.name === 'consent') {
      await provider.interactionFinished(request, response, { consent: {} })
    } else if (person) {
      await provider.interactionFinished(request, response, { login: { accountId: person.sub } })
    } else {
      send(response, 'text/html', peoplePage(people))
    }
  }

  http.on('request', (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, issuer)
    if (pathname.startsWith(interactionPath)) {
      interact(request, response).catch((error: unknown) => {
        response.writeHead(400).end(String(error))
      })
    } else if (pathname === callbackPath) {
      const isBrowser = request.headers.accept?.includes('text/html') === true
      if (isBrowser) send(response, 'text/html', answerPage(options.serverUrl, searchParams))
      else send(response, 'application/json', JSON.stringify(Object.fromEntries(searchParams)))
    } else {
      // No one stays signed in, so that each time someone can be chosen.
      if (pathname === '/auth') delete request.headers.cookie
      void handle(request, response)
    }
  })

  return {
    issuer,
    clientId,
    clientSecret,
    callbackUrl,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
}

function claimsOf({ sub, name, email, isProven }: DevPerson) {
  return { sub, name, ...(email !== undefined && { email, email_verified: isProven }) }
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' })
  response.end(type === 'application/json' ? `${body}\n` : body)
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }
}
