import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHosts, type Hosts } from '../support/hosts.ts'
import { begin, readAnswer, sendLogin } from '../support/provider-sign-in.ts'
import { startServer, type Environment, type TestServer } from '../support/server.ts'
import {
  clientId,
  clientSecret,
  discord,
  facebook,
  gitLab,
  google,
  microsoft,
  signInAt,
  type SocialProvider,
} from '../support/social-providers.ts'

const redirectUri = 'https://app.example.com/callback'
const tenant = '3aa4a235-b6e2-48d5-9195-7fcf05b459b0'
const personalTenant = '9188040d-6c67-4c5b-b112-36a304b66dad'

let hosts: Hosts
let server: TestServer
let providers: Record<string, SocialProvider>

beforeAll(async () => {
  hosts = await startHosts((origin) => {
    providers = {
      facebook: facebook(),
      discord: discord(),
      google: google(),
      // What the metadata of `common` really say: a placeholder for the tenant of the user.
      microsoft: microsoft('common', 'https://login.microsoftonline.com/{tenantid}/v2.0'),
      gitlab: gitLab(origin),
    }
    return Object.assign({}, ...Object.values(providers).map(({ routes }) => routes))
  })
  server = await startServer(
    {
      REDIRECT_URIS: redirectUri,
      ...credentialsOf(...Object.keys(providers)),
      GITLAB_URL: hosts.origin,
    },
    { fetch: hosts.fetch },
  )
})
afterAll(async () => {
  await server.close()
  await hosts.close()
})

function credentialsOf(...names: string[]): Environment {
  return Object.fromEntries(
    names.flatMap((name) => [
      [`${name.toUpperCase()}_CLIENT_ID`, clientId],
      [`${name.toUpperCase()}_CLIENT_SECRET`, clientSecret],
    ]),
  )
}

let people = 0
/** Signs in as someone of whom the provider tells this. */
async function signIn(
  provider: string,
  profile: Record<string, unknown>,
  { client } = server,
  { [provider]: social } = providers,
) {
  const id = `person${++people}`
  social!.add({ id, profile })
  const { authorizationUrl, flowToken } = await begin(client, provider, redirectUri)
  const back = await signInAt(hosts, authorizationUrl, id)
  return sendLogin(client, readAnswer({ provider, flowToken }, back))
}

describe('providers', () => {
  it('lists them in one order, with their names', async () => {
    const answer = await server.client.send('{ providers { id name } }')
    expect(answer.data.providers).toEqual([
      { id: 'google', name: 'Google' },
      { id: 'microsoft', name: 'Microsoft' },
      { id: 'gitlab', name: 'GitLab' },
      { id: 'facebook', name: 'Facebook' },
      { id: 'discord', name: 'Discord' },
    ])
  })
})

interface Case {
  readonly provider: string
  readonly who: string
  readonly profile: Record<string, unknown>
  readonly user: { email: string | null; emailVerified: boolean; name: string | null }
}

const cases: Case[] = [
  {
    provider: 'facebook',
    who: 'somebody with an address, which proves nothing',
    profile: { id: '10001', name: 'Fay', email: 'fay@example.com', email_verified: true },
    user: { email: 'fay@example.com', emailVerified: false, name: 'Fay' },
  },
  {
    provider: 'facebook',
    who: 'somebody with a telephone number in place of an address',
    profile: { id: '10002', name: 'Flo' },
    user: { email: null, emailVerified: false, name: 'Flo' },
  },
  {
    provider: 'discord',
    who: 'somebody with a verified address',
    profile: {
      id: '80351110224678912',
      username: 'nelly',
      global_name: 'Nelly',
      email: 'nelly@example.com',
      verified: true,
    },
    user: { email: 'nelly@example.com', emailVerified: true, name: 'Nelly' },
  },
  {
    provider: 'discord',
    who: 'somebody with an unverified address and no display name',
    profile: {
      id: '80351110224678913',
      username: 'ned',
      global_name: null,
      email: 'ned@example.com',
      verified: false,
    },
    user: { email: 'ned@example.com', emailVerified: false, name: 'ned' },
  },
  {
    provider: 'google',
    who: 'somebody at Gmail',
    profile: { sub: '1', email: 'gus@gmail.com', email_verified: true, name: 'Gus' },
    user: { email: 'gus@gmail.com', emailVerified: true, name: 'Gus' },
  },
  {
    provider: 'google',
    who: 'somebody at a Workspace domain',
    profile: { sub: '2', email: 'gil@firm.example', email_verified: true, hd: 'firm.example' },
    user: { email: 'gil@firm.example', emailVerified: true, name: null },
  },
  {
    provider: 'google',
    who: 'somebody with an address elsewhere, which was theirs once',
    profile: { sub: '3', email: 'gia@example.com', email_verified: true, name: 'Gia' },
    user: { email: 'gia@example.com', emailVerified: false, name: 'Gia' },
  },
  {
    provider: 'google',
    who: 'somebody at Gmail who is not verified',
    profile: { sub: '4', email: 'gry@gmail.com', email_verified: false, name: 'Gry' },
    user: { email: 'gry@gmail.com', emailVerified: false, name: 'Gry' },
  },
  {
    provider: 'google',
    who: 'somebody whose address only ends like one of Gmail',
    profile: { sub: '5', email: 'gem@notgmail.com', email_verified: true, name: 'Gem' },
    user: { email: 'gem@notgmail.com', emailVerified: false, name: 'Gem' },
  },
  {
    provider: 'microsoft',
    who: 'somebody of a tenant, whose administrator wrote the address (nOAuth)',
    profile: {
      sub: 'm1',
      tid: tenant,
      email: 'meg@example.com',
      email_verified: true,
      name: 'Meg',
    },
    user: { email: 'meg@example.com', emailVerified: false, name: 'Meg' },
  },
  {
    provider: 'microsoft',
    who: 'somebody with a personal account',
    profile: { sub: 'm2', tid: personalTenant, email: 'mo@outlook.com', name: 'Mo' },
    user: { email: 'mo@outlook.com', emailVerified: false, name: 'Mo' },
  },
  {
    provider: 'gitlab',
    who: 'somebody whose address is confirmed',
    profile: { sub: '42', email: 'lea@example.com', email_verified: true, name: 'Lea' },
    user: { email: 'lea@example.com', emailVerified: true, name: 'Lea' },
  },
  {
    provider: 'gitlab',
    who: 'somebody whose address is not confirmed',
    profile: { sub: '43', email: 'lou@example.com', email_verified: false, nickname: 'lou' },
    user: { email: 'lou@example.com', emailVerified: false, name: null },
  },
]

describe('signing in with', () => {
  it.each(cases)('$provider: $who', async ({ provider, profile, user }) => {
    const answer = await signIn(provider, profile)
    expect(answer.errors).toBeUndefined()
    expect(answer.data.loginWithProvider.user).toMatchObject({
      ...user,
      identities: [{ provider, email: user.email }],
    })
    const again = await signIn(provider, profile)
    expect(again.data.loginWithProvider.user.id).toBe(answer.data.loginWithProvider.user.id)
  })

  // A token of another tenant than the one that the operator lets in.
  it('microsoft only for the tenant, if the operator names one', async () => {
    const entra = microsoft(tenant, `https://login.microsoftonline.com/${tenant}/v2.0`)
    const own = await startHosts(() => entra.routes)
    const other = await startServer(
      {
        REDIRECT_URIS: redirectUri,
        ...credentialsOf('microsoft'),
        MICROSOFT_TENANT: tenant,
      },
      { fetch: own.fetch },
    )
    for (const [sub, tid, code] of [
      ['t1', tenant, undefined],
      ['t2', personalTenant, 'PROVIDER_ERROR'],
    ] as const) {
      entra.add({ id: sub, profile: { sub, tid } })
      const begun = await begin(other.client, 'microsoft', redirectUri)
      const back = await signInAt(own, begun.authorizationUrl, sub)
      const answer = await sendLogin(
        other.client,
        readAnswer({ provider: 'microsoft', flowToken: begun.flowToken }, back),
      )
      expect(answer.code).toBe(code)
    }
    await own.close()
  })

  // RFC 9207 section 2.4.
  it.each(['discord', 'google'])(
    '%s takes no response without the issuer, which it always sends',
    async (provider) => {
      providers[provider]!.add({ id: 'nobody', profile: { id: '1', sub: '1' } })
      const { authorizationUrl, flowToken } = await begin(server.client, provider, redirectUri)
      const back = await signInAt(hosts, authorizationUrl, 'nobody')
      expect(back.searchParams.get('iss')).not.toBeNull()
      back.searchParams.delete('iss')
      const answer = await sendLogin(server.client, readAnswer({ provider, flowToken }, back))
      expect(answer.code).toBe('PROVIDER_ERROR')
    },
  )

  const scopes = [
    ['facebook', 'public_profile email'],
    ['discord', 'identify email'],
    ['google', 'openid email profile'],
    ['microsoft', 'openid email profile'],
    ['gitlab', 'openid email profile'],
  ] as const
  it.each(scopes)('%s asks for no more than %s', async (provider, scope) => {
    const { authorizationUrl } = await begin(server.client, provider, redirectUri)
    const { searchParams } = new URL(authorizationUrl)
    expect(searchParams.get('scope')).toBe(scope)
    expect(searchParams.get('code_challenge_method')).toBe('S256')
    expect(searchParams.has('nonce')).toBe(scope.includes('openid'))
    expect(searchParams.has('prompt')).toBe(false)
  })
})
