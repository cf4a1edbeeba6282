// ASVS 6.4.1: a password that an operator has set is not for long (docs/adr/0036).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { initialPasswordExpiry } from '../../src/features/passwords/initial-password.ts'
import { sinceSignUp } from '../support/audit.ts'
import type { Tokens } from '../support/client.ts'
import { startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { longAgo, proveWith } from '../support/proof.ts'
import { linkWith, openidVariables, signInWith } from '../support/provider-sign-in.ts'
import { startServer, stopTime, type TestServer } from '../support/server.ts'

const day = 86_400

stopTime()

let server: TestServer
let acme: HostileProvider
beforeAll(async () => {
  acme = await startHostileProvider()
  server = await startServer({
    ACCESS_TOKEN_LIFETIME: '24h',
    REDIRECT_URIS: redirectUri,
    ...openidVariables('acme', acme),
  })
})
afterAll(async () => {
  await server.close()
  await acme.close()
})

/** As `npm run user -- create` leaves the account. */
async function createAccount() {
  const account = await server.client.register()
  await server.database.query('update users set password_expires_at = ? where id = ?', [
    initialPasswordExpiry(server.now()),
    account.user.id,
  ])
  return account
}
const change = (accessToken: string, currentPassword: string, newPassword: string) =>
  server.client.as(accessToken).send(
    `mutation ($currentPassword: String!, $newPassword: String!) {
      changePassword(currentPassword: $currentPassword, newPassword: $newPassword) {
        user { passwordExpiresAt }
      }
    }`,
    { currentPassword, newPassword },
  )

it('an initial password works for seven days and says until when', async () => {
  const { email, password, accessToken } = await createAccount()
  server.advance(7 * day - 60)
  const login = await server.client.login(email, password)
  expect(login.errors).toBeUndefined()
  const me = await server.client
    .as(login.data.login.accessToken)
    .send('{ me { passwordExpiresAt hasPassword } }')
  const left = Date.parse(me.data.me.passwordExpiresAt) - server.now()
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(60_000)
  expect(accessToken).toBeTypeOf('string')
})

it('an initial password is refused afterwards like a wrong one, and the trail says why', async () => {
  const { email, password, user } = await createAccount()
  server.advance(7 * day)
  for (const secret of [password, 'not the password']) {
    const answer = await server.client.login(email, secret)
    expect([answer.code, answer.errors?.[0]?.message]).toEqual([
      'INVALID_CREDENTIALS',
      'Wrong e-mail or password.',
    ])
  }
  expect(await sinceSignUp(server, user.id)).toEqual([
    'SIGN_IN_FAILED PASSWORD_EXPIRED password by ANONYMOUS',
    'SIGN_IN_FAILED PASSWORD_EXPIRED password by ANONYMOUS',
  ])
})

it('an initial password works until the moment at which it expires, and not at that moment', async () => {
  const { email, password, user } = await createAccount()
  const loginWhenExpiryIs = async (passwordExpiresAt: number) => {
    await server.database.query('update users set password_expires_at = ? where id = ?', [
      passwordExpiresAt,
      user.id,
    ])
    return (await server.client.login(email, password)).code
  }
  expect(await loginWhenExpiryIs(server.now() + 1)).toBeUndefined()
  expect(await loginWhenExpiryIs(server.now())).toBe('INVALID_CREDENTIALS')
})

it('an initial password cannot become the lasting one', async () => {
  const { email, password, accessToken } = await createAccount()
  const same = await change(accessToken, password, password)
  expect(same.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'newPassword' })
  const changed = await change(accessToken, password, 'a password of my own')
  expect(changed.data.changePassword.user.passwordExpiresAt).toBeNull()
  server.advance(30 * day - 60)
  expect((await server.client.login(email, 'a password of my own')).errors).toBeUndefined()
})

it('an expired initial password changes nothing, not even in a session that started before', async () => {
  const { email, password, user } = await createAccount()
  server.advance(7 * day - 60)
  const { accessToken } = (await server.client.login(email, password)).data.login
  server.advance(120)
  for (const secret of [password, 'not the password']) {
    const answer = await change(accessToken, secret, 'a password of my own')
    expect([answer.code, answer.errors?.[0]?.message]).toEqual([
      'INVALID_CREDENTIALS',
      'The current password has expired. Ask the operator of this service for a new one.',
    ])
  }
  expect((await server.client.login(email, 'a password of my own')).code).toBe(
    'INVALID_CREDENTIALS',
  )
  const events = await sinceSignUp(server, user.id)
  expect(events.filter((words) => words.startsWith('PASSWORD'))).toEqual([
    'PASSWORD_CHANGE_FAILED PASSWORD_EXPIRED',
    'PASSWORD_CHANGE_FAILED PASSWORD_EXPIRED',
  ])
  expect((await server.client.as(accessToken).send('{ me { id } }')).errors).toBeUndefined()
})

describe('an expired initial password of an account that has a provider', () => {
  let people = 0
  /** Signed in with the provider, after the password has expired. */
  const expired = async () => {
    const account = await createAccount()
    const sub = `sub-${++people}`
    const browser = (url: string) => acme.authorize(url, sub)
    await linkWith(server.client.as(account.accessToken), 'acme', browser)
    await server.database.query('update users set password_expires_at = ? where id = ?', [
      server.now() - 1000,
      account.user.id,
    ])
    const login = await signInWith(server.client, 'acme', browser)
    return { ...account, browser, login, ...(login.data.loginWithProvider as Tokens) }
  }
  const set = (accessToken: string, newPassword: string) =>
    server.client.as(accessToken).send(
      `mutation ($newPassword: String!) {
        changePassword(newPassword: $newPassword) { user { passwordExpiresAt } }
      }`,
      { newPassword },
    )

  it('does not keep its user from signing in with the provider', async () => {
    const { login, email, password, user } = await expired()
    expect(login.errors).toBeUndefined()
    expect(login.data.loginWithProvider.user.id).toBe(user.id)
    expect((await server.client.login(email, password)).code).toBe('INVALID_CREDENTIALS')
  })

  it('is replaced by one that the user chooses, after a fresh proof with the provider', async () => {
    const { accessToken, email, password, user } = await expired()
    const changed = await set(accessToken, 'a password of my own')
    expect(changed.data.changePassword.user.passwordExpiresAt).toBeNull()
    expect((await server.client.login(email, 'a password of my own')).errors).toBeUndefined()
    expect((await server.client.login(email, password)).code).toBe('INVALID_CREDENTIALS')
    expect(await sinceSignUp(server, user.id)).toContainEqual(
      expect.stringMatching(/^PASSWORD_CHANGED/),
    )
  })

  it('is replaced whatever a client sends as the current one, which proves nothing', async () => {
    const { accessToken, email } = await expired()
    const changed = await change(accessToken, 'what I remember of it', 'a password of my own')
    expect(changed.errors).toBeUndefined()
    expect((await server.client.login(email, 'a password of my own')).errors).toBeUndefined()
  })

  it('is not replaced with an old proof, and only the provider can renew it', async () => {
    const account = await expired()
    const { accessToken } = await longAgo(server, account)
    const refused = await set(accessToken, 'a password of my own')
    expect(refused.errors?.[0]?.extensions).toEqual({
      code: 'REAUTHENTICATION_REQUIRED',
      maxAge: 300,
      methods: ['acme'],
    })
    const client = server.client.as(accessToken)
    const proof = await proveWith(client, 'acme', account.browser, redirectUri)
    const proven = proof.data.reauthenticateWithProvider.accessToken
    expect((await set(proven, 'a password of my own')).errors).toBeUndefined()
  })

  it('does not become the lasting one', async () => {
    const { accessToken, password } = await expired()
    const same = await set(accessToken, password)
    expect(same.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'newPassword' })
  })
})

it('a password that a user has chosen does not expire', async () => {
  const { email, password, accessToken } = await server.client.register()
  const me = await server.client.as(accessToken).send('{ me { passwordExpiresAt } }')
  expect(me.data.me).toEqual({ passwordExpiresAt: null })
  server.advance(400 * day)
  expect((await server.client.login(email, password)).errors).toBeUndefined()
})
