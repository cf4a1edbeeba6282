// Account pre-hijacking: better-auth CVE-2026-53516, Authorizer CVE-2026-35511, PocketBase CVE-2024-38351.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sinceSignUp } from '../support/audit.ts'
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

let users = 0

describe('the owner of an e-mail address with which someone else has registered', () => {
  let server: TestServer
  let sibling: TestServer
  /** Its addresses count. */
  let attesting: HostileProvider
  /** Its addresses do not, says the operator. */
  let careless: HostileProvider
  beforeAll(async () => {
    attesting = await startHostileProvider()
    careless = await startHostileProvider()
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('attesting', attesting),
      ...openidVariables('careless', careless),
      OIDC_CARELESS_TRUST_EMAIL_VERIFIED: 'off',
      OIDC_CARELESS_KEEP_TOKENS: 'on',
    })
    sibling = await server.sibling()
  })
  afterAll(async () => {
    await server.close()
    await attesting.close()
    await careless.close()
  })

  const owning = (email: string, name = 'The owner'): Lies => ({
    claims: { email, email_verified: true, name },
  })
  const signIn = (sub: string, lies: Lies, at = server) =>
    signInWith(at.client, 'attesting', (url) => attesting.authorize(url, sub, lies))
  const signInCarelessly = (sub: string, lies: Lies = {}) =>
    signInWith(server.client, 'careless', (url) => careless.authorize(url, sub, lies))
  const rows = (userId: string) =>
    Promise.all(
      ['users where id', 'sessions where user_id', 'identities where user_id'].map((table) =>
        server.database.query(`select * from ${table} = ?`, [userId]),
      ),
    )
  const refused = async (tokens: { accessToken: string; refreshToken: string }) => [
    (await server.client.as(tokens.accessToken).send('{ me { id } }')).reason,
    (await server.client.refresh(tokens.refreshToken)).code,
  ]
  const allRefused = ['SESSION_ENDED', 'INVALID_REFRESH_TOKEN']

  it('gets the account, and nothing that came before opens it', async () => {
    const squatter = await server.client.register({ name: 'Not the owner' })
    const { email, password, user } = squatter
    const second = (await server.client.login(email, password)).data.login
    const linkedSub = `squatter-${++users}`
    const me = server.client.as(squatter.accessToken)
    const linked = await linkWith(me, 'careless', (url) => careless.authorize(url, linkedSub))
    expect(linked.errors).toBeUndefined()
    const flow = await begin(me, 'careless')

    const answer = await signIn(`owner-${++users}`, owning(email))
    expect(answer.data.loginWithProvider.user).toEqual({
      id: user.id,
      email,
      emailVerified: true,
      name: 'The owner',
      hasPassword: false,
      identities: [{ provider: 'attesting', email }],
      sessions: [{ method: 'attesting', current: true }],
    })
    expect(await refused(squatter)).toEqual(allRefused)
    expect(await refused(second)).toEqual(allRefused)
    const elsewhere = (await signInCarelessly(linkedSub)).data.loginWithProvider
    expect(elsewhere.user.id).not.toBe(user.id)
    const unfinished = sendLogin(
      server.client,
      readAnswer(flow, careless.authorize(flow.authorizationUrl, `squatter-${++users}`)),
    )
    expect((await unfinished).code).toBe('INVALID_FLOW')
    const { data } = await server.client
      .as(answer.data.loginWithProvider.accessToken)
      .send('query { providerToken(provider: "careless") { accessToken } }')
    expect(data).toBeNull()
    expect(await sinceSignUp(server, user.id)).toEqual([
      'SIGNED_IN password',
      'PROVIDER_LINKED careless',
      'ACCOUNT_RECLAIMED attesting -2',
      'SIGNED_IN attesting',
    ])
    expect((await server.client.login(email, password)).code).toBe('INVALID_CREDENTIALS')
  })

  it('gets an account that was created with a provider that attests no address', async () => {
    const email = `squatted${++users}@example.com`
    const sub = `squatter-${users}`
    const squatter = (await signInCarelessly(sub, { claims: { email } })).data.loginWithProvider
    const owner = await signIn(`owner-${users}`, owning(email.toUpperCase()))
    expect(owner.data.loginWithProvider.user).toMatchObject({
      id: squatter.user.id,
      emailVerified: true,
      identities: [{ provider: 'attesting', email }],
    })
    expect(await refused(squatter)).toEqual(allRefused)
    const again = await signInCarelessly(sub, { claims: { email } })
    expect(again.code).toBe('LINK_REQUIRED')
  })

  it('gets it while registration is closed', async () => {
    const { email, user } = await server.client.register()
    const closed = await server.sibling({ REGISTRATION: 'closed' })
    const answer = await signIn(`owner-${++users}`, owning(email), closed)
    expect(answer.data.loginWithProvider.user.id).toBe(user.id)
  })

  it('takes over once: what the owner has then is kept at the next sign-in', async () => {
    const { email } = await server.client.register()
    const sub = `owner-${++users}`
    const first = (await signIn(sub, owning(email))).data.loginWithProvider
    const password = 'the password of the owner'
    const set = await server.client
      .as(first.accessToken)
      .send(`mutation { changePassword(newPassword: "${password}") { refreshToken } }`)
    expect(set.errors).toBeUndefined()
    for (const again of [sub, `owner-${++users}`]) {
      const { user } = (await signIn(again, owning(email))).data.loginWithProvider
      expect(user).toMatchObject({ id: first.user.id, hasPassword: true })
    }
    expect((await server.client.login(email, password)).errors).toBeUndefined()
  })

  const kept: [what: string, change: string, code: string][] = [
    ['has verified the address', 'email_verified = true', ''],
    ['has a role from an operator', `roles = '["USER","ADMIN"]'`, 'LINK_REQUIRED'],
  ]
  it.each(kept)('takes nothing from an account that %s', async (_what, change, code) => {
    const { email, user } = await server.client.register()
    await server.database.query(`update users set ${change} where id = ?`, [user.id])
    const [before] = await rows(user.id)
    const answer = await signIn(`owner-${++users}`, owning(email))
    expect(answer.code ?? '').toBe(code)
    const [after] = await rows(user.id)
    const credentials = (list: Record<string, unknown>[] | undefined) =>
      list!.map((row) => ({ ...row, last_signed_in_at: null }))
    expect(credentials(after)).toEqual(credentials(before))
  })

  it('stays out of an account that an operator has disabled, and is told so', async () => {
    const { email, user } = await server.client.register()
    await server.database.query('update users set disabled_at = 1 where id = ?', [user.id])
    const before = await rows(user.id)
    const answer = await signIn(`owner-${++users}`, owning(email))
    expect([answer.code, answer.reason]).toEqual(['UNAUTHENTICATED', 'ACCOUNT_DISABLED'])
    expect(await rows(user.id)).toEqual(before)
    expect(await sinceSignUp(server, user.id)).toEqual([
      'SIGN_IN_FAILED ACCOUNT_DISABLED attesting by ANONYMOUS',
    ])
  })

  it('shuts no one out who signs in twice at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const { email, user } = await server.client.register()
      const subs = [`owner-${++users}`, `owner-${++users}`]
      const answers = await Promise.all(
        [server, sibling, server, sibling].map((at, index) =>
          signIn(subs[index % 2]!, owning(email), at),
        ),
      )
      for (const answer of answers) {
        expect(answer.errors).toBeUndefined()
        expect(answer.data.loginWithProvider.user.id).toBe(user.id)
        const me = server.client.as(answer.data.loginWithProvider.accessToken)
        expect((await me.send('{ me { id } }')).data.me.id).toBe(user.id)
      }
      const words = await sinceSignUp(server, user.id)
      expect(words.filter((word) => word.startsWith('ACCOUNT_RECLAIMED'))).toHaveLength(1)
    }
  })

  it('is not raced by anyone who has registered the address', async () => {
    for (let round = 0; round < 5; round++) {
      const squatter = await server.client.register()
      const { email, password, user } = squatter
      const me = sibling.client.as(squatter.accessToken)
      const sub = `squatter-${++users}`
      const flow = await begin(me, 'careless')
      const back = readAnswer(flow, careless.authorize(flow.authorizationUrl, sub))
      const [owner, login, change, , refresh] = await Promise.all([
        signIn(`owner-${++users}`, owning(email)),
        sibling.client.login(email, password),
        me.send(
          `mutation { changePassword(currentPassword: "${password}", newPassword: "another password") { accessToken refreshToken } }`,
        ),
        me.send(
          `mutation ($code: String!, $state: String!, $flowToken: String!, $iss: String) {
            linkProvider(provider: "careless", code: $code, state: $state, flowToken: $flowToken, iss: $iss) { id }
          }`,
          { ...back },
        ),
        sibling.client.refresh(squatter.refreshToken),
      ])
      expect(owner.data.loginWithProvider.user.id).toBe(user.id)
      const got = [
        squatter,
        login.data?.login,
        change.data?.changePassword,
        refresh.data?.refreshToken,
      ]
      for (const tokens of got.filter(Boolean)) expect(await refused(tokens)).toEqual(allRefused)
      for (const secret of [password, 'another password']) {
        expect((await server.client.login(email, secret)).code).toBe('INVALID_CREDENTIALS')
      }
      const [, sessions, identities] = await rows(user.id)
      expect(sessions!.map(({ method }) => method)).toEqual(['attesting'])
      expect(identities!.map(({ provider }) => provider)).toEqual(['attesting'])
    }
  })

  it('has the address verified, and loses nothing, by linking the provider', async () => {
    const { accessToken, email, password, user } = await server.client.register()
    const sub = `owner-${++users}`
    const answer = await linkWith(server.client.as(accessToken), 'attesting', (url) =>
      attesting.authorize(url, sub, owning(email)),
    )
    expect(answer.errors).toBeUndefined()
    expect((await server.client.login(email, password)).errors).toBeUndefined()
    const { user: signedIn } = (await signIn(sub, owning(email))).data.loginWithProvider
    expect(signedIn).toMatchObject({ id: user.id, emailVerified: true, hasPassword: true })
    expect(await sinceSignUp(server, user.id)).toEqual([
      'PROVIDER_LINKED attesting',
      'EMAIL_VERIFIED attesting',
      'SIGNED_IN password',
      'SIGNED_IN attesting',
    ])
  })

  it('does not have the address verified by linking a provider that attests another one', async () => {
    const { accessToken, user } = await server.client.register()
    const me = server.client.as(accessToken)
    const answer = await linkWith(me, 'attesting', (url) =>
      attesting.authorize(url, `another-${++users}`, owning('another@example.com')),
    )
    expect(answer.errors).toBeUndefined()
    expect((await me.send('{ me { emailVerified } }')).data.me.emailVerified).toBe(false)
    expect(await sinceSignUp(server, user.id)).toEqual(['PROVIDER_LINKED attesting'])
  })

  it('has the address verified by a linked provider that attests it later', async () => {
    const { accessToken, email, password, user } = await server.client.register()
    const sub = `owner-${++users}`
    await linkWith(server.client.as(accessToken), 'attesting', (url) =>
      attesting.authorize(url, sub, { claims: { email, email_verified: false } }),
    )
    expect(
      (await signIn(sub, owning('another@example.com'))).data.loginWithProvider.user.emailVerified,
    ).toBe(false)
    const answer = await signIn(sub, owning(email))
    expect(answer.data.loginWithProvider.user).toMatchObject({
      id: user.id,
      emailVerified: true,
      hasPassword: true,
    })
    expect((await server.client.login(email, password)).errors).toBeUndefined()
  })
})

it('a client that used an account before its owner took it over is not trusted to it any more', async () => {
  const provider = await startHostileProvider()
  const server = await startServer({
    REDIRECT_URIS: redirectUri,
    THROTTLE: 'on',
    ...openidVariables('attesting', provider),
  })
  const { email } = await server.client.register()
  const counters = () => server.database.query('select key from attempt_counters')
  const before = await counters()
  expect(before.some(({ key }) => String(key).startsWith('familiar:'))).toBe(true)
  const answer = await signInWith(server.client, 'attesting', (url) =>
    provider.authorize(url, 'owner', { claims: { email, email_verified: true } }),
  )
  expect(answer.errors).toBeUndefined()
  const names = (await counters()).map(({ key }) => String(key).split(':')[0])
  expect(names).not.toContain('familiar')
  await provider.close()
})
