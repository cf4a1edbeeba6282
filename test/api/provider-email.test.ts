import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  startHostileProvider,
  type HostileProvider,
  type Lies,
} from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { linkWith, openidVariables, signInWith } from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

let people = 0

describe('an e-mail address that comes from a provider', () => {
  let server: TestServer
  /** Its addresses count. */
  let provider: HostileProvider
  /** Its addresses do not, says the operator. */
  let careless: HostileProvider
  beforeAll(async () => {
    provider = await startHostileProvider()
    careless = await startHostileProvider()
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('test', provider),
      ...openidVariables('careless', careless),
      OIDC_CARELESS_TRUST_EMAIL_VERIFIED: 'off',
    })
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
    await careless.close()
  })

  /** An account by password, whose address has been proven, or not. */
  const account = async (isVerified: boolean) => {
    const registered = await server.client.register()
    if (isVerified) {
      await server.database.query('update users set email_verified = true where id = ?', [
        registered.user.id,
      ])
    }
    return registered
  }
  const signIn = (lies: Lies, sub = `sub-${++people}`, at = provider) =>
    signInWith(server.client, at === provider ? 'test' : 'careless', (url) =>
      at.authorize(url, sub, lies),
    )
  const rows = async () =>
    JSON.stringify([
      await server.database.query('select id, email, email_verified from users order by id'),
      await server.database.query('select * from identities order by id'),
      await server.database.query('select id from sessions order by id'),
    ])

  const sources: ('claims' | 'userinfo')[] = ['claims', 'userinfo']
  it.each(sources)(
    'joins the account that has proven it too, if the provider attests it (in %s)',
    async (source) => {
      const { email, user } = await account(true)
      const sub = `sub-${++people}`
      const lies = { [source]: { email: email.toUpperCase(), email_verified: true } }
      for (let round = 0; round < 2; round++) {
        const answer = await signIn(lies, sub)
        expect(answer.data.loginWithProvider.user).toMatchObject({
          id: user.id,
          email,
          emailVerified: true,
          hasPassword: true,
          identities: [{ provider: 'test', email }],
        })
      }
    },
  )

  // PocketBase CVE-2024-38351, Nhost CVE-2026-41574, Logto CVE-2026-15611, Keycloak CVE-2025-7365.
  const notAttested: [what: string, attested: unknown][] = [
    ['missing', undefined],
    ['false', false],
    ['null', null],
    ['"true"', 'true'],
    ['"false"', 'false'],
    ['1', 1],
    ['[true]', [true]],
    ['{}', {}],
  ]
  describe.each(sources)('in %s', (source) => {
    it.each(notAttested)('joins no account where email_verified is %s', async (_what, attested) => {
      const { email } = await account(true)
      const before = await rows()
      const answer = await signIn({ [source]: { email, email_verified: attested } })
      expect(answer.code).toBe('LINK_REQUIRED')
      expect(answer.errors![0]!.extensions).toEqual({
        code: 'LINK_REQUIRED',
        provider: 'test',
        linkableWith: ['password'],
      })
      expect(await rows()).toBe(before)
    })
  })

  it('joins no account if the operator does not let the provider attest', async () => {
    const { email } = await account(true)
    const before = await rows()
    const answer = await signIn({ claims: { email, email_verified: true } }, 'somebody', careless)
    expect(answer.code).toBe('LINK_REQUIRED')
    expect(await rows()).toBe(before)
  })

  it('counts as proven by userinfo, which says more of the same one than the ID token', async () => {
    const { email, user } = await account(true)
    const userinfo = { email, email_verified: true }
    const answer = await signIn({ claims: { email }, userinfo })
    expect(answer.data.loginWithProvider.user.id).toBe(user.id)
  })

  const twoVoices: [what: string, lies: (email: string) => Lies][] = [
    [
      'of the ID token, by what userinfo says of another one',
      (email) => ({
        claims: { email },
        userinfo: { email: 'mallory@example.com', email_verified: true },
      }),
    ],
    [
      'of userinfo, by what the ID token says of another one',
      (email) => ({
        claims: { email: 'mallory@example.com', email_verified: true },
        userinfo: { email },
      }),
    ],
    [
      'of userinfo, by what the ID token says of none',
      (email) => ({ claims: { email_verified: true }, userinfo: { email } }),
    ],
    [
      'that userinfo denies to be proven',
      (email) => ({
        claims: { email_verified: true },
        userinfo: { email, email_verified: false },
      }),
    ],
  ]
  it.each(twoVoices)('joins no account with an address %s', async (_what, lies) => {
    const { email, user } = await account(true)
    await signIn(lies(email))
    const identities = await server.database.query('select id from identities where user_id = ?', [
      user.id,
    ])
    expect(identities).toEqual([])
  })

  it('is proven in a new account if the provider attests it, and else is not', async () => {
    for (const [attested, emailVerified] of [
      [true, true],
      ['true', false],
      [undefined, false],
    ]) {
      const email = `new${++people}@example.com`
      const answer = await signIn({ claims: { email, email_verified: attested } })
      expect(answer.data.loginWithProvider.user).toMatchObject({ email, emailVerified })
    }
    const email = `new${++people}@example.com`
    const answer = await signIn({ claims: { email, email_verified: true } }, email, careless)
    expect(answer.data.loginWithProvider.user).toMatchObject({ email, emailVerified: false })
  })

  it.each([
    ['no address', 'nobody'],
    ['two addresses', 'ada@example.com,eve@example.com'],
    ['an address with a NUL', 'ada\0@example.com'],
    ['an address with a line', 'ada@exam\nple.com'],
    ['an empty text', ''],
    ['a list', ['ada@example.com']],
    ['an object', { address: 'ada@example.com' }],
    ['a number', 7],
    ['one that is too long', `${'a'.repeat(255)}@example.com`],
  ])('is left out if it is %s', async (_what, email) => {
    const answer = await signIn({ userinfo: { email, email_verified: true } })
    expect(answer.errors).toBeUndefined()
    expect(answer.data.loginWithProvider.user).toMatchObject({
      email: null,
      emailVerified: false,
      identities: [{ provider: 'test', email: null }],
    })
  })

  it('is another one if it only looks the same', async () => {
    await server.client.register({ email: 'pay@example.com' })
    await server.database.query(
      "update users set email_verified = true where email = 'pay@example.com'",
    )
    for (const email of ['pаy@example.com', 'pay+x@example.com', 'p.ay@example.com']) {
      const answer = await signIn({ claims: { email, email_verified: true } })
      expect(answer.data.loginWithProvider.user.hasPassword).toBe(false)
    }
  })

  it('names no password to link with if an operator set it and it has expired', async () => {
    const { email, user } = await account(true)
    await server.database.query('update users set password_expires_at = 1 where id = ?', [user.id])
    const answer = await signIn({ claims: { email, email_verified: false } })
    expect([answer.code, answer.errors?.[0]?.extensions.linkableWith]).toEqual([
      'LINK_REQUIRED',
      [],
    ])
  })

  it('leads to the account after all, once the user has signed in to it and linked', async () => {
    const { email, accessToken, user } = await account(false)
    const lies = { claims: { email, email_verified: false } }
    const sub = `sub-${++people}`
    expect((await signIn(lies, sub)).code).toBe('LINK_REQUIRED')
    const linked = await linkWith(server.client.as(accessToken), 'test', (url) =>
      provider.authorize(url, sub, lies),
    )
    expect(linked.data.linkProvider).toMatchObject({ id: user.id, emailVerified: false })
    expect((await signIn(lies, sub)).data.loginWithProvider.user.id).toBe(user.id)
    // From then on others are told of both ways in, and not of one that the server has no more.
    const other = () => signIn(lies, `sub-${++people}`)
    expect((await other()).errors![0]!.extensions.linkableWith).toEqual(['password', 'test'])
    await server.database.query("update identities set provider = 'gone' where subject = ?", [sub])
    expect((await other()).errors![0]!.extensions.linkableWith).toEqual(['password'])
  })
})
