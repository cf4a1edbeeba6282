/** Servers in the shape of the real ones: their hosts, paths, content types and habits. */
import { exportJWK, generateKeyPair, importSPKI, jwtVerify, SignJWT, type JWTPayload } from 'jose'
import { AuthorizationServer, Refusal, type Grant, type Person } from './authorization-server.ts'
import { json, type Call, type Hosts, type Reply, type Routes } from './hosts.ts'

export const clientId = 'latchkey'
export const clientSecret = 'a client secret that only the tests of this repository use'

export interface SocialProvider {
  add(person: Person): void
  revokeAll(): void
  readonly routes: Routes
}

interface Habits {
  readonly expiresIn?: number
  readonly refreshTokens?: 'kept' | 'rotated'
}

/** What a browser does in which the user is signed in at the provider: it stops at the redirect URI. */
export async function visit(hosts: Hosts, authorizationUrl: string, id: string): Promise<Response> {
  return hosts.fetch(authorizationUrl, { redirect: 'manual', headers: { cookie: `person=${id}` } })
}

/** Where the provider sends that browser. */
export async function signInAt(hosts: Hosts, authorizationUrl: string, id: string): Promise<URL> {
  const response = await visit(hosts, authorizationUrl, id)
  const location = response.headers.get('location')
  if (location === null) throw new Error(`The provider answers ${response.status}`)
  return new URL(location)
}

function serverOf(habits: Habits & { iss?: string }): AuthorizationServer {
  return new AuthorizationServer({
    clientId,
    isClient: (form) =>
      form.get('client_id') === clientId && form.get('client_secret') === clientSecret,
    ...habits,
  })
}

function redirect(server: AuthorizationServer) {
  return (call: Call): Reply => ({
    status: 302,
    headers: { location: server.authorize(call).href },
  })
}

/** @param origin https://github.com, or that of an Enterprise Server */
export function gitHub(origin: string, habits: Habits & { iss?: string } = {}): SocialProvider {
  const server = serverOf(habits)
  const api = origin === 'https://github.com' ? 'https://api.github.com' : `${origin}/api/v3`
  const asPerson = (read: (person: Person) => unknown) => (call: Call) => {
    if (!call.headers['user-agent']) return json({ message: 'User-Agent required' }, 403)
    const person = server.personOf(call)
    return person ? json(read(person)) : json({ message: 'Bad credentials' }, 401)
  }
  /** Form-encoded unless JSON is asked for, and 200 whatever comes of it. */
  const encoded = (call: Call, answer: Record<string, string>): Reply =>
    call.headers.accept?.includes('application/json')
      ? json(answer, 200, 'application/json; charset=utf-8')
      : {
          headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
          body: new URLSearchParams(answer).toString(),
        }
  return {
    add: (person) => server.add(person),
    revokeAll: () => server.revokeAll(),
    routes: {
      [`GET ${origin}/login/oauth/authorize`]: redirect(server),
      [`POST ${origin}/login/oauth/access_token`]: async (call) => {
        try {
          const { grant, ...tokens } = await server.exchange(call)
          const scope = grant.scope.replaceAll(' ', ',')
          return encoded(call, { ...strings(tokens), scope, token_type: 'bearer' })
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          return encoded(call, {
            error: 'bad_verification_code',
            error_description: 'The code passed is incorrect or expired.',
          })
        }
      },
      [`GET ${api}/user`]: asPerson(({ profile }) => profile),
      [`GET ${api}/user/emails`]: (call) => {
        const emails = server.personOf(call)?.emails
        // As for a GitHub App that may not read them.
        if (emails === undefined) return json({ message: 'Not accessible by integration' }, 403)
        const reply = asPerson(() => emails)(call)
        return Array.isArray(emails) ? pageOf(emails, call.url) : reply
      },
    },
  }
}

/** Thirty entries unless more are asked for, a hundred at most, and where the next ones are. */
function pageOf(list: readonly unknown[], url: URL): Reply {
  const size = Math.min(Number(url.searchParams.get('per_page') ?? 30), 100)
  const page = Number(url.searchParams.get('page') ?? 1)
  const next = new URL(url)
  next.searchParams.set('page', String(page + 1))
  const last = `<${url.href}>; rel="last"`
  return {
    headers: {
      'content-type': 'application/json',
      ...(list.length > page * size && { link: `<${next.href}>; rel="next", ${last}` }),
    },
    body: JSON.stringify(list.slice((page - 1) * size, page * size)),
  }
}

export function facebook(): SocialProvider {
  const server = serverOf({ expiresIn: 5_183_944 })
  return {
    add: (person) => server.add(person),
    revokeAll: () => server.revokeAll(),
    routes: {
      'GET https://www.facebook.com/v26.0/dialog/oauth': redirect(server),
      'POST https://graph.facebook.com/v26.0/oauth/access_token': answered(server, (error) =>
        json({ error: { message: error, type: 'OAuthException', code: 100 } }, 400),
      ),
      'GET https://graph.facebook.com/v26.0/me': (call) => {
        const person = server.personOf(call)
        const fields = call.url.searchParams.get('fields')?.split(',') ?? ['id', 'name']
        return person
          ? json(
              Object.fromEntries(
                Object.entries(person.profile).filter(([name]) => fields.includes(name)),
              ),
              200,
              'text/javascript; charset=UTF-8',
            )
          : json({ error: { message: 'Invalid OAuth access token.', code: 190 } }, 400)
      },
    },
  }
}

export function discord(): SocialProvider {
  const server = serverOf({
    iss: 'https://discord.com',
    expiresIn: 604_800,
    refreshTokens: 'rotated',
  })
  return {
    add: (person) => server.add(person),
    revokeAll: () => server.revokeAll(),
    routes: {
      'GET https://discord.com/oauth2/authorize': redirect(server),
      'POST https://discord.com/api/v10/oauth2/token': answered(server),
      'GET https://discord.com/api/v10/users/@me': (call) => {
        const person = server.personOf(call)
        return person ? json(person.profile) : json({ message: '401: Unauthorized', code: 0 }, 401)
      },
    },
  }
}

export function google(habits: Habits = {}): SocialProvider {
  const issuer = 'https://accounts.google.com'
  return openid(serverOf({ iss: issuer, expiresIn: 3599, ...habits }), {
    discovery: `${issuer}/.well-known/openid-configuration`,
    issuer,
    authorize: `${issuer}/o/oauth2/v2/auth`,
    token: 'https://oauth2.googleapis.com/token',
    keys: 'https://www.googleapis.com/oauth2/v3/certs',
    userinfo: 'https://openidconnect.googleapis.com/v1/userinfo',
    announcesIss: true,
  })
}

/** @param tenant as in the URL; the profile's `tid` is the user's own */
export function microsoft(tenant: string, issuer: string): SocialProvider {
  const origin = 'https://login.microsoftonline.com'
  return openid(serverOf({ expiresIn: 3599 }), {
    discovery: `${origin}/${tenant}/v2.0/.well-known/openid-configuration`,
    issuer,
    authorize: `${origin}/${tenant}/oauth2/v2.0/authorize`,
    token: `${origin}/${tenant}/oauth2/v2.0/token`,
    keys: `${origin}/${tenant}/discovery/v2.0/keys`,
    issuerOf: ({ profile }) => `${origin}/${String(profile['tid'])}/v2.0`,
  })
}

/** The ID token names the subject; userinfo has the rest. */
export function gitLab(origin: string): SocialProvider {
  return openid(serverOf({ expiresIn: 7200, refreshTokens: 'rotated' }), {
    discovery: `${origin}/.well-known/openid-configuration`,
    issuer: origin,
    authorize: `${origin}/oauth/authorize`,
    token: `${origin}/oauth/token`,
    keys: `${origin}/oauth/discovery/keys`,
    userinfo: `${origin}/oauth/userinfo`,
    claimsOf: ({ profile }) => ({ sub: String(profile['sub']) }),
  })
}

/** @param publicKey of the key that is registered for Sign in with Apple, in SPKI */
export function apple(teamId: string, keyId: string, publicKey: string): SocialProvider {
  const issuer = 'https://appleid.apple.com'
  const server = new AuthorizationServer({
    clientId,
    isClient: async (form) => {
      const { payload, protectedHeader } = await jwtVerify(
        form.get('client_secret') ?? '',
        await importSPKI(publicKey, 'ES256'),
        { algorithms: ['ES256'], issuer: teamId, subject: clientId, audience: issuer },
      )
      const lifetime = payload.exp! - payload.iat!
      return protectedHeader.kid === keyId && lifetime > 0 && lifetime <= 15_777_000
    },
    expiresIn: 3600,
    refreshTokens: 'kept',
  })
  const { routes, ...rest } = openid(server, {
    discovery: `${issuer}/.well-known/openid-configuration`,
    issuer,
    authorize: `${issuer}/auth/authorize`,
    token: `${issuer}/auth/token`,
    keys: `${issuer}/auth/keys`,
  })
  return {
    ...rest,
    routes: {
      ...routes,
      // With scopes the response has to be posted: a page with a form that sends itself.
      [`GET ${issuer}/auth/authorize`]: (call) => {
        if (call.url.searchParams.get('response_mode') !== 'form_post') {
          return { status: 400, body: 'invalid_request' }
        }
        const back = server.authorize(call)
        const fields = [...back.searchParams, ['user', '{"name":{"firstName":"Ada"}}']]
        return {
          headers: { 'content-type': 'text/html' },
          body: `<form method="post" action="${back.origin}${back.pathname}">${fields
            .map(([name, value]) => `<input name="${name}" value='${value}'>`)
            .join('')}</form>`,
        }
      },
    },
  }
}

interface OpenidFacts {
  readonly discovery: string
  readonly issuer: string
  readonly authorize: string
  readonly token: string
  readonly keys: string
  readonly userinfo?: string
  readonly announcesIss?: boolean
  readonly issuerOf?: (person: Person) => string
  readonly claimsOf?: (person: Person) => JWTPayload
}

const signingKey = generateKeyPair('RS256')

function openid(server: AuthorizationServer, facts: OpenidFacts): SocialProvider {
  const idToken = async ({ person, nonce }: Grant) =>
    new SignJWT({
      ...(facts.claimsOf?.(person) ?? person.profile),
      ...(nonce !== null && { nonce }),
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'key' })
      .setIssuer(facts.issuerOf?.(person) ?? facts.issuer)
      .setAudience(clientId)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign((await signingKey).privateKey)
  return {
    add: (person) => server.add(person),
    revokeAll: () => server.revokeAll(),
    routes: {
      [`GET ${facts.discovery}`]: () =>
        json({
          issuer: facts.issuer,
          authorization_endpoint: facts.authorize,
          token_endpoint: facts.token,
          jwks_uri: facts.keys,
          ...(facts.userinfo !== undefined && { userinfo_endpoint: facts.userinfo }),
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
          ...(facts.announcesIss && { authorization_response_iss_parameter_supported: true }),
        }),
      [`GET ${facts.authorize}`]: redirect(server),
      [`POST ${facts.token}`]: answered(server, undefined, async (grant) => ({
        id_token: await idToken(grant),
      })),
      [`GET ${facts.keys}`]: async () => {
        const key = await exportJWK((await signingKey).publicKey)
        return json({ keys: [{ ...key, kid: 'key', alg: 'RS256', use: 'sig' }] })
      },
      ...(facts.userinfo !== undefined && {
        [`GET ${facts.userinfo}`]: (call: Call) => {
          const person = server.personOf(call)
          return person ? json(person.profile) : json({ error: 'invalid_token' }, 401)
        },
      }),
    },
  }
}

/** A token endpoint as RFC 6749 has it. */
function answered(
  server: AuthorizationServer,
  refuse = (error: string) => json({ error }, 400),
  more: (grant: Grant) => Promise<object> = async () => ({}),
) {
  return async (call: Call): Promise<Reply> => {
    try {
      const { grant, ...tokens } = await server.exchange(call)
      return json({
        ...tokens,
        token_type: 'Bearer',
        scope: grant.scope,
        ...(await more(grant)),
      })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return refuse(error.message)
    }
  }
}

function strings(values: object): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
}
