import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  startHostileProvider,
  type HostileProvider,
  type Lies,
} from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import {
  begin,
  linkWith,
  openidVariables,
  readAnswer,
  sendLogin,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

let people = 0

describe('an account that a provider has opened', () => {
  let server: TestServer
  let sibling: TestServer
  let closed: TestServer
  let provider: HostileProvider
  beforeAll(async () => {
    provider = await startHostileProvider()
    server = await startServer({ REDIRECT_URIS: redirectUri, ...openidVariables('test', provider) })
    sibling = await server.sibling()
    closed = await server.sibling({ REGISTRATION: 'closed' })
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
  })
  const signIn = (sub: string, lies?: Lies, at = server) =>
    signInWith(at.client, 'test', (url) => provider.authorize(url, sub, lies))
  /** Someone who has never been here. */
  const newcomer = () => `sub-${++people}`
  const rowsOf = (table: string, id: string) =>
    server.database.query(`select * from ${table} where user_id = ?`, [id])

  const profiles: [what: string, userinfo: (email: string) => Record<string, unknown>][] = [
    ['with an address that the provider attests', (email) => ({ email, email_verified: true })],
    ['with an address that it does not', (email) => ({ email })],
    ['without an address', () => ({})],
  ]
  it.each(profiles)(
    'is one, when somebody comes for the first time twice at once, %s',
    async (_what, userinfo) => {
      for (let round = 0; round < 3; round++) {
        const sub = newcomer()
        const lies = { userinfo: userinfo(`${sub}@example.com`) }
        const flows = await Promise.all(
          Array.from({ length: 8 }, async (_, index) => {
            const { client } = index % 2 ? sibling : server
            const begun = await begin(client, 'test')
            return {
              client,
              answer: readAnswer(begun, provider.authorize(begun.authorizationUrl, sub, lies)),
            }
          }),
        )
        const answers = await Promise.all(
          flows.map(({ client, answer }) => sendLogin(client, answer)),
        )
        expect(answers.map(({ code }) => code)).toEqual(Array(8).fill(undefined))
        const ids = new Set(answers.map(({ data }) => data.loginWithProvider.user.id))
        expect(ids.size).toBe(1)
        expect(await rowsOf('identities', [...ids][0])).toHaveLength(1)
      }
    },
  )

  it('belongs to the owner of the address, when someone else registers it at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const sub = newcomer()
      const email = `${sub}@example.com`
      const [registered, came] = await Promise.allSettled([
        server.client.register({ email }),
        signIn(sub, { userinfo: { email, email_verified: true } }, sibling),
      ])
      if (came.status === 'rejected') throw came.reason
      expect(came.value.data.loginWithProvider.user).toMatchObject({ email, hasPassword: false })
      const refusal = registered.status === 'rejected' ? String(registered.reason) : 'EMAIL_TAKEN'
      expect(refusal).toContain('EMAIL_TAKEN')
      const login = await server.client.login(email, 'correct horse battery')
      expect(login.code).toBe('INVALID_CREDENTIALS')
      expect(
        await server.database.query('select id from users where email = ?', [email]),
      ).toHaveLength(1)
    }
  })

  it('is not made where registration is closed, and opens there once it is', async () => {
    const sub = newcomer()
    const refused = await signIn(sub, {}, closed)
    expect(refused.code).toBe('FORBIDDEN')
    expect(
      await server.database.query('select id from identities where subject = ?', [sub]),
    ).toEqual([])
    const { id } = (await signIn(sub)).data.loginWithProvider.user
    expect((await signIn(sub, {}, closed)).data.loginWithProvider.user.id).toBe(id)
  })

  it('is joined where registration is closed', async () => {
    const { email, accessToken, user } = await server.client.register()
    await server.database.query('update users set email_verified = true where id = ?', [user.id])
    const joined = await signIn(newcomer(), { userinfo: { email, email_verified: true } }, closed)
    expect(joined.data.loginWithProvider.user.id).toBe(user.id)
    const linked = await linkWith(closed.client.as(accessToken), 'test', (url) =>
      provider.authorize(url, newcomer()),
    )
    expect(linked.errors).toBeUndefined()
  })

  // authentik CVE-2025-53942: every policy of the password's door stands at this one too.
  it('stays closed while it is disabled', async () => {
    const sub = newcomer()
    const first = (await signIn(sub)).data.loginWithProvider
    await server.database.query('update users set disabled_at = 1 where id = ?', [first.user.id])
    const sessions = await rowsOf('sessions', first.user.id)
    const answer = await signIn(sub)
    expect([answer.status, answer.code, answer.reason]).toEqual([
      401,
      'UNAUTHENTICATED',
      'ACCOUNT_DISABLED',
    ])
    expect(await rowsOf('sessions', first.user.id)).toEqual(sessions)
    expect((await server.client.refresh(first.refreshToken)).reason).toBe('ACCOUNT_DISABLED')
    await server.database.query('update users set disabled_at = null where id = ?', [first.user.id])
    expect((await signIn(sub)).data.loginWithProvider.user.id).toBe(first.user.id)
  })

  it('is another one after it was deleted', async () => {
    const sub = newcomer()
    const { id } = (await signIn(sub)).data.loginWithProvider.user
    await server.database.query('delete from users where id = ?', [id])
    const again = await signIn(sub)
    expect(again.errors).toBeUndefined()
    expect(again.data.loginWithProvider.user.id).not.toBe(id)
  })

  it('needs neither an address nor a name nor a password', async () => {
    const answer = await signIn(newcomer())
    const { accessToken, refreshToken, user } = answer.data.loginWithProvider
    expect(user).toEqual({
      id: user.id,
      email: null,
      emailVerified: false,
      name: null,
      hasPassword: false,
      identities: [{ provider: 'test', email: null }],
      sessions: [{ method: 'test', current: true }],
    })
    const renewed = (await server.client.refresh(refreshToken)).data.refreshToken
    const client = server.client.as(renewed.accessToken)
    const greeting = await client.send('{ protected me { id email hasPassword roles } }')
    expect(greeting.data).toEqual({
      protected: `Hello, ${user.id}! This is a protected field.`,
      me: { id: user.id, email: null, hasPassword: false, roles: ['USER'] },
    })
    expect((await client.send('mutation { logout(scope: ALL) }')).data.logout).toBe(true)
    expect((await server.client.as(accessToken).send('{ me { id } }')).reason).toBe('SESSION_ENDED')
  })

  it.each([
    ['  Zoë  ', 'Zoë'],
    ['Zoe\u0308', 'Zoë'],
    ['Zo\u0000e\u001b[31m', 'Zoe[31m'],
    ['Z'.repeat(500), 'Z'.repeat(200)],
    [`${'Z'.repeat(199)}😀`, `${'Z'.repeat(199)}😀`],
    ['😀'.repeat(300), '😀'.repeat(200)],
    ['\u0000', null],
    ['', null],
    [7, null],
    [{ given: 'Zoe' }, null],
  ])('goes by the name that the provider gives, in good form: %j', async (given, name) => {
    const answer = await signIn(newcomer(), { claims: { name: given } })
    expect(answer.data.loginWithProvider.user.name).toBe(name)
  })

  it('gets its first password without a current one, and then needs it', async () => {
    const sub = newcomer()
    const email = `${sub}@example.com`
    const { accessToken, user } = (await signIn(sub, { userinfo: { email } })).data
      .loginWithProvider
    const elsewhere = (await signIn(sub)).data.loginWithProvider
    // Before there is one, no one signs in by it.
    expect((await server.client.login(email, '')).code).toBe('INVALID_CREDENTIALS')
    const change = `mutation ($current: String, $new: String!) {
      changePassword(currentPassword: $current, newPassword: $new) { accessToken user { hasPassword } }
    }`
    const set = await server.client.as(accessToken).send(change, { new: 'my first password' })
    expect(set.data.changePassword.user.hasPassword).toBe(true)
    const client = server.client.as(set.data.changePassword.accessToken)
    expect((await server.client.as(elsewhere.accessToken).send('{ me { id } }')).reason).toBe(
      'SESSION_ENDED',
    )
    const again = await client.send(change, { new: 'my second password' })
    expect([again.code, again.errors![0]!.extensions.field]).toEqual([
      'BAD_USER_INPUT',
      'currentPassword',
    ])
    const login = await server.client.login(email, 'my first password')
    expect(login.data.login.user.id).toBe(user.id)
    const sessions = await client.send('{ me { sessions { method } } }')
    expect(
      new Set(sessions.data.me.sessions.map(({ method }: { method: string }) => method)),
    ).toEqual(new Set(['test', 'password']))
    expect((await signIn(sub)).data.loginWithProvider.user.id).toBe(user.id)
  })

  it('is renewed by a cookie if the client asks for one', async () => {
    const begun = await begin(server.client, 'test')
    const back = provider.authorize(begun.authorizationUrl, newcomer())
    const answer = await sendLogin(server.client, readAnswer(begun, back), 'COOKIE')
    expect(answer.data.loginWithProvider.refreshToken).toBeNull()
    const [cookie] = answer.headers.getSetCookie()
    expect(cookie).toMatch(/; HttpOnly/)
    const renewed = await server.client.send(
      'mutation { refreshToken { user { id } refreshToken } }',
      {},
      {
        cookie: cookie!.split(';')[0]!,
      },
    )
    expect(renewed.data.refreshToken).toEqual({
      user: { id: answer.data.loginWithProvider.user.id },
      refreshToken: null,
    })
  })
})
