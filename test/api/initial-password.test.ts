// ASVS 6.4.1: a password that an operator has set is not for long (docs/adr/0036).
import { afterAll, beforeAll, expect, it } from 'vitest'
import { initialPasswordExpiry } from '../../src/passwords/initial-password.ts'
import { sinceSignUp } from '../support/audit.ts'
import { startServer, stopTime, type TestServer } from '../support/server.ts'

const day = 86_400

stopTime()

let server: TestServer
beforeAll(async () => (server = await startServer({ ACCESS_TOKEN_LIFETIME: '24h' })))
afterAll(() => server.close())

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

it('an expired initial password changes nothing, not even in a session that began before', async () => {
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

it('a password that a user has chosen does not expire', async () => {
  const { email, password, accessToken } = await server.client.register()
  const me = await server.client.as(accessToken).send('{ me { passwordExpiresAt } }')
  expect(me.data.me).toEqual({ passwordExpiresAt: null })
  server.advance(400 * day)
  expect((await server.client.login(email, password)).errors).toBeUndefined()
})
