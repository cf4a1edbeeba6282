import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json, startHosts, type Call, type Hosts, type Routes } from '../support/hosts.ts'
import { sidOf } from '../support/proof.ts'
import { begin, readAnswer, sendLogin } from '../support/provider-sign-in.ts'
import { startServer, type Environment, type TestServer } from '../support/server.ts'
import {
  clientId,
  clientSecret,
  facebook,
  gitHub,
  google,
  microsoft,
  signInAt,
  type SocialProvider,
} from '../support/social-providers.ts'

const redirectUri = 'https://app.example.com/callback'
const expiresIn = 8 * 3600

let hosts: Hosts
let github: SocialProvider
let meta: SocialProvider
let accounts: SocialProvider
let server: TestServer

/** Holds the provider's response to a renewal back until the test lets it go. */
let beforeRenewal: (() => Promise<void>) | undefined

beforeAll(async () => {
  // As a GitHub App has it: tokens for eight hours, and a new refresh token with each.
  github = gitHub('https://github.com', { expiresIn, refreshTokens: 'rotated' })
  meta = facebook()
  accounts = google({ refreshTokens: 'kept' })
  const path = 'POST https://github.com/login/oauth/access_token'
  hosts = await startHosts(() => ({
    ...github.routes,
    ...meta.routes,
    ...accounts.routes,
    ...microsoft('common', 'https://login.microsoftonline.com/{tenantid}/v2.0').routes,
    ...issuer('https://id.acme.example', ['openid', 'offline_access']),
    ...issuer('https://id.plain.example', ['openid']),
    [path]: async (call: Call) => {
      if (call.form.get('grant_type') === 'refresh_token') await beforeRenewal?.()
      return github.routes[path]!(call)
    },
  }))
  server = await start({
    GITHUB_KEEP_TOKENS: 'on',
    GITHUB_SCOPES: 'repo, gist',
    FACEBOOK_KEEP_TOKENS: 'on',
    GOOGLE_KEEP_TOKENS: 'on',
    GOOGLE_SCOPES: 'https://www.googleapis.com/auth/calendar.readonly',
    MICROSOFT_KEEP_TOKENS: 'on',
    OIDC_ACME_KEEP_TOKENS: 'on',
    OIDC_PLAIN_KEEP_TOKENS: 'on',
    LOG_LEVEL: 'trace',
    SESSION_IDLE_LIFETIME: '90d',
  })
})
afterAll(async () => {
  await server.close()
  await hosts.close()
})

/** All that a flow needs to start. */
function issuer(origin: string, scopes: string[]): Routes {
  return {
    [`GET ${origin}/.well-known/openid-configuration`]: () =>
      json({
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/keys`,
        scopes_supported: scopes,
      }),
  }
}

function start(env: Environment): Promise<TestServer> {
  const names = ['GITHUB', 'FACEBOOK', 'GOOGLE', 'MICROSOFT', 'OIDC_ACME', 'OIDC_PLAIN']
  const credentials = names.flatMap((name) => [
    [`${name}_CLIENT_ID`, clientId],
    [`${name}_CLIENT_SECRET`, clientSecret],
  ])
  return startServer(
    {
      REDIRECT_URIS: redirectUri,
      OIDC_ACME_ISSUER: 'https://id.acme.example',
      OIDC_PLAIN_ISSUER: 'https://id.plain.example',
      ...Object.fromEntries(credentials),
      ...env,
    },
    { fetch: hosts.fetch },
  )
}

let people = 0
function signIn(on = server, provider = 'github', social = github) {
  const id = ++people
  const name = `person${id}`
  const emails = [{ email: `${name}@example.com`, primary: true, verified: true }]
  social.add({ id: name, profile: { id, sub: name, login: name, name }, emails })
  return signInAs(name, on, provider)
}

async function signInAs(name: string, on = server, provider = 'github') {
  const { authorizationUrl, flowToken } = await begin(on.client, provider, redirectUri)
  const back = await signInAt(hosts, authorizationUrl, name)
  const answer = await sendLogin(on.client, readAnswer({ provider, flowToken }, back))
  if (answer.errors) throw new Error(answer.text)
  const { accessToken, refreshToken } = answer.data.loginWithProvider as Session
  return { name, accessToken, refreshToken, code: back.searchParams.get('code')!, flowToken }
}

function ask(accessToken: string, provider = 'github', on = server) {
  return on.client
    .as(accessToken)
    .send(
      'query ($provider: String!) { providerToken(provider: $provider) { accessToken expiresAt scopes } }',
      { provider },
    )
}

/** Whose the provider takes the token for. */
async function loginOf(providerToken: string): Promise<string> {
  const response = await hosts.fetch('https://api.github.com/user', {
    headers: { authorization: `Bearer ${providerToken}`, 'user-agent': 'a test' },
  })
  return ((await response.json()) as { login: string }).login
}

const renewals = () =>
  hosts.calls.filter(({ form }) => form.get('grant_type') === 'refresh_token').length

interface Session {
  readonly accessToken: string
  readonly refreshToken: string
}

/** The session, after a time in which its own access token has run out, and a proof of its user. */
async function later(seconds: number, { accessToken, refreshToken }: Session): Promise<Session> {
  server.advance(seconds)
  await server.database.query('update sessions set authenticated_at = ? where id = ?', [
    server.now(),
    sidOf(accessToken),
  ])
  const { refreshToken: next } = (await server.client.refresh(refreshToken)).data
  return { accessToken: next.accessToken, refreshToken: next.refreshToken }
}

describe('providerToken', () => {
  it("gives the signed-in user's client a token for the provider's own API", async () => {
    const { accessToken, name } = await signIn()
    const answer = await ask(accessToken)
    expect(answer.errors).toBeUndefined()
    const { providerToken } = answer.data
    expect(providerToken.scopes).toEqual(['read:user', 'user:email', 'repo', 'gist'])
    const lifetime = Date.parse(providerToken.expiresAt) - server.now()
    expect(lifetime / 1000).toBeGreaterThan(expiresIn - 120)
    expect(lifetime / 1000).toBeLessThanOrEqual(expiresIn)
    expect(await loginOf(providerToken.accessToken)).toBe(name)
  })

  it('renews it once it has expired, and keeps the refresh token that comes with it', async () => {
    const { name, ...signedIn } = await signIn()
    let session: Session = signedIn
    const given = [(await ask(session.accessToken)).data.providerToken.accessToken as string]
    for (let round = 0; round < 2; round++) {
      session = await later(expiresIn, session)
      const answer = await ask(session.accessToken)
      expect(answer.errors).toBeUndefined()
      const { providerToken } = answer.data
      expect(given).not.toContain(providerToken.accessToken)
      expect(await loginOf(providerToken.accessToken)).toBe(name)
      expect(Date.parse(providerToken.expiresAt)).toBeGreaterThan(server.now())
      given.push(providerToken.accessToken)
    }
  })

  // RFC 6749 section 6: a renewal need not bring another refresh token.
  it('renews it again and again with one refresh token if no other comes with it', async () => {
    let session: Session = await signIn(server, 'google', accounts)
    for (let round = 0; round < 2; round++) {
      session = await later(3600, session)
      const before = renewals()
      const answer = await ask(session.accessToken, 'google')
      expect(answer.errors).toBeUndefined()
      expect(renewals() - before).toBe(1)
    }
  })

  // RFC 9700 section 4.14.2: the second use of a rotated refresh token counts as theft.
  it('renews it once for twenty calls at two servers', async () => {
    const signedIn = await signIn()
    const { accessToken } = await later(expiresIn, signedIn)
    const other = await server.sibling()
    const before = renewals()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ask(accessToken, 'github', index % 2 === 0 ? server : other),
      ),
    )
    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => undefined))
    expect(new Set(answers.map(({ data }) => data.providerToken.accessToken)).size).toBe(1)
    expect(renewals() - before).toBe(1)
  })

  it('says so if the provider refuses to renew it, until the user signs in again', async () => {
    const signedIn = await signIn()
    const { accessToken } = await later(expiresIn, signedIn)
    github.revokeAll()
    for (let round = 0; round < 2; round++) {
      const answer = await ask(accessToken)
      expect(answer.code).toBe('PROVIDER_ERROR')
      expect(answer.errors![0]!.extensions).toMatchObject({ provider: 'github' })
    }
    await signInAs(signedIn.name)
    const { providerToken } = (await ask(accessToken)).data
    expect(await loginOf(providerToken.accessToken)).toBe(signedIn.name)
  })

  it('says so if there is nothing to renew it with', async () => {
    const signedIn = await signIn(server, 'facebook', meta)
    expect(
      (await ask(signedIn.accessToken, 'facebook')).data.providerToken.accessToken,
    ).toBeTruthy()
    const { accessToken } = await later(61 * 24 * 3600, signedIn)
    expect((await ask(accessToken, 'facebook')).code).toBe('PROVIDER_ERROR')
  })

  it('keeps what a sign-in brings that comes in the middle of a renewal', async () => {
    const signedIn = await signIn()
    const { accessToken } = await later(expiresIn, signedIn)
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const reached = new Promise<void>((resolve) => {
      beforeRenewal = () => {
        resolve()
        return held
      }
    })
    const answer = ask(accessToken)
    await reached
    beforeRenewal = undefined
    await signInAs(signedIn.name)
    const { providerToken } = (await ask(accessToken)).data
    release()
    expect((await answer).data.providerToken).toEqual(providerToken)
    expect((await ask(accessToken)).data.providerToken).toEqual(providerToken)
    expect(await loginOf(providerToken.accessToken)).toBe(signedIn.name)
  })

  it("never gives someone else's", async () => {
    await signIn()
    const { accessToken } = await server.client.register()
    expect((await ask(accessToken)).code).toBe('UNKNOWN_PROVIDER')
    expect((await ask('')).code).toBe('UNAUTHENTICATED')
  })

  it('forgets it with the link', async () => {
    const { accessToken } = await signIn()
    const answer = await server.client.as(accessToken).send(
      `mutation {
          changePassword(newPassword: "correct horse battery") { accessToken }
          unlinkProvider(provider: "github") { id }
        }`,
    )
    expect(answer.errors).toBeUndefined()
    const renewed = answer.data.changePassword.accessToken as string
    expect((await ask(renewed)).code).toBe('UNKNOWN_PROVIDER')
    const [me] = await server.database.query('select count(*) as links from identities')
    const [kept] = await server.database.query('select count(*) as tokens from provider_tokens')
    expect(Number(kept!['tokens'])).toBe(Number(me!['links']))
  })

  it('is off unless the operator turns it on, and off again when they turn it off', async () => {
    const off = await start({ GITHUB_SCOPES: 'repo' })
    const { accessToken } = await signIn(off)
    expect((await ask(accessToken, 'github', off)).code).toBe('UNKNOWN_PROVIDER')
    expect(await off.database.query('select * from provider_tokens')).toEqual([])

    const kept = await signIn()
    const sibling = await server.sibling({ GITHUB_KEEP_TOKENS: 'off' })
    expect((await ask(kept.accessToken, 'github', sibling)).code).toBe('UNKNOWN_PROVIDER')
  })

  const asked: [provider: string, parameters: Record<string, string | null>][] = [
    ['google', { access_type: 'offline', prompt: 'consent' }],
    ['microsoft', { scope: 'openid email profile offline_access', prompt: null }],
    ['github', { scope: 'read:user user:email repo gist', prompt: null }],
    // OpenID Connect Core section 11.
    ['acme', { scope: 'openid email profile offline_access', prompt: 'consent' }],
    ['plain', { scope: 'openid email profile', prompt: null }],
  ]
  it.each(asked)('asks %s for a token that can be renewed', async (provider, parameters) => {
    const { authorizationUrl } = await begin(server.client, provider, redirectUri)
    const { searchParams } = new URL(authorizationUrl)
    for (const [name, value] of Object.entries(parameters)) {
      expect(searchParams.get(name)).toBe(value)
    }
  })

  // ASVS 10.1.1 and 16.2.5.
  it('keeps it encrypted, and out of the log', async () => {
    const { name: _, ...secrets } = await signIn()
    const session = await later(expiresIn, secrets)
    const { providerToken } = (await ask(session.accessToken)).data
    const row = await server.database.query(
      'select * from provider_tokens where access_token_encrypted is not null',
    )
    expect(row.length).toBeGreaterThan(0)
    const tables = ['provider_tokens', 'provider_flows', 'identities', 'sessions', 'users']
    const contents = await Promise.all(
      tables.map((table) => server.database.query(`select * from ${table}`)),
    )
    const log = server.logText()
    expect(log).toContain('"request"')
    const told = hosts.calls.flatMap(({ form }) =>
      ['code', 'code_verifier', 'refresh_token', 'client_secret'].map((name) => form.get(name)),
    )
    const everySecret = [
      ...told,
      ...Object.values(secrets),
      ...Object.values(session),
      providerToken.accessToken,
    ]
    for (const secret of everySecret) {
      if (secret === null) continue
      expect(log).not.toContain(secret)
      expect(JSON.stringify(contents)).not.toContain(secret)
    }
  })
})
