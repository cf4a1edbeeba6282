import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json, startHosts, type Hosts, type Reply, type Routes } from '../support/hosts.ts'
import { begin, readAnswer, sendLogin } from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'
import {
  clientId,
  clientSecret,
  gitHub,
  signInAt,
  type SocialProvider,
} from '../support/social-providers.ts'

const redirectUri = 'https://app.example.com/callback'

const cases = [
  {
    which: 'github.com',
    // Sent since 2026: github.com/nextauthjs/next-auth/pull/13410.
    iss: 'https://github.com/login/oauth',
    originOf: () => 'https://github.com',
    envOf: () => ({}),
  },
  {
    which: 'an Enterprise Server',
    iss: undefined,
    originOf: (hosts: string) => hosts,
    envOf: (hosts: string) => ({ GITHUB_URL: hosts }),
  },
]

describe.each(cases)('signing in with $which', ({ iss, originOf, envOf }) => {
  let hosts: Hosts
  let github: SocialProvider
  let server: TestServer
  beforeAll(async () => {
    hosts = await startHosts((origin) => {
      github = gitHub(originOf(origin), iss === undefined ? {} : { iss })
      return github.routes
    })
    server = await startServer(
      {
        REDIRECT_URIS: redirectUri,
        GITHUB_CLIENT_ID: clientId,
        GITHUB_CLIENT_SECRET: clientSecret,
        ...envOf(hosts.origin),
      },
      { fetch: hosts.fetch },
    )
  })
  afterAll(async () => {
    await server.close()
    await hosts.close()
  })

  async function signIn(id: string) {
    const { authorizationUrl, flowToken } = await begin(server.client, 'github', redirectUri)
    const back = await signInAt(hosts, authorizationUrl, id)
    return sendLogin(server.client, readAnswer({ provider: 'github', flowToken }, back))
  }

  it('takes the primary address from the list of addresses, not the one on the profile', async () => {
    github.add({
      id: 'octocat',
      profile: { id: 583_231, login: 'octocat', name: 'The Octocat', email: 'shown@example.com' },
      emails: [
        { email: 'old@example.com', primary: false, verified: true, visibility: null },
        { email: 'Octo@Example.com', primary: true, verified: true, visibility: 'private' },
      ],
    })
    const answer = await signIn('octocat')
    expect(answer.errors).toBeUndefined()
    const { user } = answer.data.loginWithProvider
    expect(user).toMatchObject({
      email: 'octo@example.com',
      emailVerified: true,
      name: 'The Octocat',
      hasPassword: false,
      identities: [{ provider: 'github', email: 'octo@example.com' }],
    })
    const again = await signIn('octocat')
    expect(again.data.loginWithProvider.user.id).toBe(user.id)
  })

  it('does not take an address for proven that GitHub has not verified', async () => {
    github.add({
      id: 'unproven',
      profile: { id: 2, login: 'unproven', name: null, email: null },
      emails: [{ email: 'unproven@example.com', primary: true, verified: false, visibility: null }],
    })
    const answer = await signIn('unproven')
    expect(answer.data.loginWithProvider.user).toMatchObject({
      email: 'unproven@example.com',
      emailVerified: false,
      name: 'unproven',
    })
  })

  const odd: [what: string, profile: Record<string, unknown>, emails: unknown][] = [
    ['an empty list of addresses', { id: 3, login: 'a' }, []],
    ['a list without a primary one', { id: 5, login: 'c' }, [{ email: 'c@example.com' }]],
  ]
  it.each(odd)(
    'signs in without an address where GitHub tells %s',
    async (_what, profile, emails) => {
      github.add({ id: String(profile['login']), profile, emails })
      const answer = await signIn(String(profile['login']))
      expect(answer.data.loginWithProvider.user.email).toBeNull()
    },
  )

  it.each([30, 250])('finds the primary address behind %i others', async (count) => {
    const others = Array.from({ length: count }, (_, index) => ({
      email: `other${index}@example.com`,
      primary: false,
      verified: true,
    }))
    const id = 1000 + count
    const email = `primary${count}@example.com`
    github.add({
      id: String(id),
      profile: { id, login: 'many' },
      emails: [...others, { email, primary: true, verified: true }],
    })
    const answer = await signIn(String(id))
    expect(answer.data.loginWithProvider.user).toMatchObject({ email, emailVerified: true })
  })

  it('follows a list of addresses to no other origin, which would get the token', async () => {
    const api = iss === undefined ? `${hosts.origin}/api/v3` : 'https://api.github.com'
    const route = `GET ${api}/user/emails`
    const routes = github.routes as Record<string, Routes[string]>
    const list = routes[route]!
    const page = json([{ email: 'first@example.com', primary: false, verified: true }])
    const link = '<https://elsewhere.example/user/emails?page=2>; rel="next"'
    routes[route] = () => ({ ...page, headers: { ...page.headers, link } })
    github.add({ id: '3000', profile: { id: 3000, login: 'led astray' }, emails: [] })
    const answer = await signIn('3000')
    routes[route] = list
    expect(answer.errors).toBeUndefined()
    expect(answer.data.loginWithProvider.user.email).toBeNull()
  })

  it('signs in without an address, and says so in the log, where GitHub refuses the list', async () => {
    github.add({ id: 'app', profile: { id: 6, login: 'app' } })
    const answer = await signIn('app')
    expect(answer.errors).toBeUndefined()
    expect(answer.data.loginWithProvider.user).toMatchObject({ email: null, name: 'app' })
    expect(server.logText()).toContain('answered with 403')
  })

  const passing: [what: string, reply: Reply][] = [
    ['fails', json({ message: 'Server Error' }, 502)],
    ['limits requests', json({ message: 'Too Many Requests' }, 429)],
    ['limits requests with 403', { ...json({}, 403), headers: { 'retry-after': '60' } }],
    ['is not a list', json({ message: 'Not Found' })],
  ]
  it.each(passing)(
    'refuses a first sign-in, and keeps the address of a later one, when the list of addresses %s',
    async (what, reply) => {
      const api = iss === undefined ? `${hosts.origin}/api/v3` : 'https://api.github.com'
      const route = `GET ${api}/user/emails`
      const routes = github.routes as Record<string, Routes[string]>
      const id = 2000 + passing.findIndex(([each]) => each === what)
      const email = `passing${id}@example.com`
      github.add({
        id: String(id),
        profile: { id, login: 'passing' },
        emails: [{ email, primary: true, verified: true }],
      })
      const list = routes[route]!
      routes[route] = () => reply
      expect((await signIn(String(id))).code).toBe('PROVIDER_ERROR')
      routes[route] = list
      const first = (await signIn(String(id))).data.loginWithProvider.user
      expect(first).toMatchObject({ email, emailVerified: true })
      routes[route] = () => reply
      const later = await signIn(String(id))
      routes[route] = list
      expect(later.errors).toBeUndefined()
      expect(later.data.loginWithProvider.user).toMatchObject({ id: first.id, email })
      const stored = 'select email from identities where subject = ?'
      expect(await server.database.query(stored, [String(id)])).toEqual([{ email }])
    },
  )

  const nobody: [what: string, profile: Record<string, unknown>][] = [
    ['no id', { login: 'd' }],
    // From 2^53 on, two people would be one number.
    ['an id that JavaScript rounds', { login: 'e', id: 2 ** 53 }],
    ['an id that is no number', { login: 'f', id: { $ne: null } }],
  ]
  it.each(nobody)('refuses a profile with %s', async (_what, profile) => {
    github.add({ id: String(profile['login']), profile, emails: [] })
    expect((await signIn(String(profile['login']))).code).toBe('PROVIDER_ERROR')
  })

  // GitHub answers a refused code with HTTP 200 and `error`.
  it('refuses a code that GitHub does not know', async () => {
    const { authorizationUrl, flowToken } = await begin(server.client, 'github', redirectUri)
    github.add({ id: 'g', profile: { id: 6, login: 'g' }, emails: [] })
    const back = await signInAt(hosts, authorizationUrl, 'g')
    back.searchParams.set('code', 'not-one-of-mine')
    const answer = await sendLogin(
      server.client,
      readAnswer({ provider: 'github', flowToken }, back),
    )
    expect(answer.code).toBe('PROVIDER_ERROR')
    expect(answer.errors![0]!.extensions).toMatchObject({ provider: 'github' })
    expect(answer.text).not.toContain('bad_verification_code')
  })

  it('refuses a response that another issuer gave (RFC 9207)', async () => {
    const { authorizationUrl, flowToken } = await begin(server.client, 'github', redirectUri)
    github.add({ id: 'h', profile: { id: 7, login: 'h' }, emails: [] })
    const back = await signInAt(hosts, authorizationUrl, 'h')
    back.searchParams.set('iss', 'https://evil.example.com')
    const answer = await sendLogin(
      server.client,
      readAnswer({ provider: 'github', flowToken }, back),
    )
    expect(answer.code).toBe('PROVIDER_ERROR')
  })

  it('asks for what sign-in needs, with PKCE, and shows the secret to the token endpoint alone', async () => {
    const { authorizationUrl } = await begin(server.client, 'github', redirectUri)
    const parameters = Object.fromEntries(new URL(authorizationUrl).searchParams)
    expect(parameters).toEqual({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'read:user user:email',
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    const told = hosts.calls.filter(({ form }) => form.get('client_secret') === clientSecret)
    expect(new Set(told.map(({ url }) => url.pathname))).toEqual(
      new Set(['/login/oauth/access_token']),
    )
  })
})
