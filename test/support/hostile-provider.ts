/** An OpenID provider that lies as it is told to, with keys of its own. Its sign-in is a function call. */
import { createHash, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

type Json = Record<string, unknown>

/** What is wrong with what a code is exchanged for; `undefined` leaves a member out. */
export interface Lies {
  /** Over the ID token's claims. */
  readonly claims?: Json
  /** Over its header. */
  readonly header?: Json
  /** In place of the signature by the first key. */
  readonly sign?: (signed: string) => string
  /** Over the token endpoint's answer. */
  readonly tokens?: Json
  /** Over userinfo's answer. */
  readonly userinfo?: Json
}

export type Endpoint = 'discovery' | 'jwks' | 'token' | 'userinfo'

/** What an endpoint does with the response that it should give. */
export type Answering = (response: ServerResponse, answer: Json) => void

export interface ProviderRequest {
  readonly endpoint: Endpoint
  readonly parameters: URLSearchParams
  readonly authorization: string | undefined
}

export interface Refusal {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly error?: string
  readonly usesUp?: boolean
}

export interface HostileProvider {
  readonly issuer: string
  /** Node's own, with the issuer's host led to this machine. */
  readonly fetch: typeof fetch
  readonly clientId: string
  readonly clientSecret: string
  /** The first one signs. */
  keys: SigningKey[]
  /** Over the discovered metadata. */
  readonly metadata: Json
  /** Endpoints that do not respond as they should. */
  readonly answering: Partial<Record<Endpoint, Answering>>
  /**
   * Refuses a token request for how the client proves itself. `usesUp` loses the code as well, which a
   * server should not do.
   */
  refuseClient: ((request: ProviderRequest) => Refusal | undefined) | undefined
  /** What was asked, in order. */
  readonly requests: ProviderRequest[]
  /** Signs the user in: where the browser goes back to. */
  authorize(authorizationUrl: string, sub: string, lies?: Lies): URL
  close(): Promise<void>
}

interface Grant {
  readonly sub: string
  readonly nonce: string | null
  readonly challenge: string | null
  readonly lies: Lies
}

const paths: Record<string, Endpoint> = {
  '/.well-known/openid-configuration': 'discovery',
  // Where many providers have it, and not to be taken for the document next to it.
  '/.well-known/jwks.json': 'jwks',
  '/token': 'token',
  '/userinfo': 'userinfo',
}
const lifetimeSeconds = 3600

/** @param publicIssuer if the provider is on the internet, as far as anyone can tell */
export async function startHostileProvider(publicIssuer?: string): Promise<HostileProvider> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const issuer = publicIssuer ?? origin
  const grants = new Map<string, Grant>()
  const provider: HostileProvider = {
    issuer,
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      return fetch(url.origin === issuer ? new URL(url.pathname, origin) : url, init)
    },
    clientId: 'latchkey',
    clientSecret: randomBytes(24).toString('base64url'),
    keys: [newSigningKey()],
    metadata: {},
    answering: {},
    refuseClient: undefined,
    requests: [],
    authorize: (authorizationUrl, sub, lies = {}) => {
      const asked = new URL(authorizationUrl).searchParams
      const code = randomBytes(24).toString('base64url')
      grants.set(code, {
        sub,
        nonce: asked.get('nonce'),
        challenge: asked.get('code_challenge'),
        lies,
      })
      const back = new URL(asked.get('redirect_uri')!)
      back.searchParams.set('code', code)
      back.searchParams.set('state', asked.get('state')!)
      back.searchParams.set('iss', issuer)
      return back
    },
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }

  const ownAnswers: Record<Endpoint, (parameters: URLSearchParams, bearer: string) => Json> = {
    discovery: () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      // Whatever the client lets itself be talked into.
      id_token_signing_alg_values_supported: ['ES256', 'RS256', 'HS256', 'none'],
      token_endpoint_auth_methods_supported: ['client_secret_post'],
      authorization_response_iss_parameter_supported: true,
      ...provider.metadata,
    }),
    jwks: () => ({ keys: provider.keys.map(publicJwk) }),
    token: (parameters) => {
      const code = parameters.get('code') ?? ''
      const grant = grants.get(code)
      const challenge = createHash('sha256')
        .update(parameters.get('code_verifier') ?? '')
        .digest('base64url')
      if (grant?.challenge !== challenge) return { error: 'invalid_grant' }
      return {
        access_token: code,
        token_type: 'Bearer',
        expires_in: lifetimeSeconds,
        id_token: idToken(provider, grant),
        ...grant.lies.tokens,
      }
    },
    userinfo: (_parameters, bearer) => {
      const grant = grants.get(bearer)
      return grant ? { sub: grant.sub, ...grant.lies.userinfo } : { error: 'invalid_token' }
    },
  }
  http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void (async () => {
      const endpoint = paths[request.url ?? '']
      if (!endpoint) return void response.writeHead(404).end()
      const parameters = new URLSearchParams(await readText(request))
      const { authorization } = request.headers
      const asked = { endpoint, parameters, authorization }
      provider.requests.push(asked)
      const bearer = authorization?.replace(/^Bearer /, '') ?? ''
      const refusal = endpoint === 'token' ? provider.refuseClient?.(asked) : undefined
      if (refusal) {
        if (refusal.usesUp) grants.delete(parameters.get('code') ?? '')
        const type = { 'content-type': 'application/json' }
        response.writeHead(refusal.status, { ...type, ...refusal.headers })
        return void response.end(refusal.error && JSON.stringify({ error: refusal.error }))
      }
      const answer = ownAnswers[endpoint](parameters, bearer)
      const answering = provider.answering[endpoint]
      if (answering) return answering(response, answer)
      response.writeHead(answer['error'] ? 400 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer))
    })()
  })
  return provider
}

let keys = 0

export function newSigningKey(): SigningKey {
  return {
    kid: `key-${++keys}`,
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  }
}

/** An ES256 signature. */
export function signWith(key: SigningKey): (signed: string) => string {
  return (signed) =>
    sign('sha256', Buffer.from(signed), {
      key: key.privateKey,
      dsaEncoding: 'ieee-p1363',
    }).toString('base64url')
}

/** An HS256 signature. */
export function signWithSecret(secret: string | Buffer): (signed: string) => string {
  return (signed) => createHmac('sha256', secret).update(signed).digest('base64url')
}

function idToken(provider: HostileProvider, { sub, nonce, lies }: Grant): string {
  const now = Math.floor(Date.now() / 1000)
  const key = provider.keys[0]!
  const header = { alg: 'ES256', kid: key.kid, ...lies.header }
  const claims = {
    iss: provider.issuer,
    sub,
    aud: provider.clientId,
    exp: now + lifetimeSeconds,
    iat: now,
    nonce,
    ...lies.claims,
  }
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${(lies.sign ?? signWith(key))(signed)}`
}

function publicJwk({ kid, publicKey }: SigningKey): Json {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }
}

async function readText(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}
