// What is reported as failed must not take effect: the key that signs the response is read first. Of
// a refresh it is read last, and the same token gets the same successor again.
import { expect, it, onTestFinished } from 'vitest'
import { startHostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { begin, openidVariables, readAnswer, sendLogin } from '../support/provider-sign-in.ts'
import { startServer, type Environment } from '../support/server.ts'

const register = `mutation ($email: String!) {
  register(email: $email, password: "correct horse battery") { accessToken }
}`

/** A server that has to read its signing keys again, and cannot. */
async function startWithoutKeys(env: Environment = {}) {
  const server = await startServer(env)
  const { client, database } = server
  const person = await client.register()
  server.advance(11)
  await database.query('alter table signing_keys rename to lost')
  return {
    client,
    person,
    restore: () => database.query('alter table lost rename to signing_keys'),
    countUsers: async () => (await database.query('select id from users')).length,
    countSessions: async () =>
      (await database.query('select id from sessions where user_id = ?', [person.user.id])).length,
  }
}

it('a password is not changed if the signing keys cannot be read', async () => {
  const { client, person, restore } = await startWithoutKeys()
  const answer = await client
    .as(person.accessToken)
    .send(
      'mutation ($currentPassword: String!) { changePassword(currentPassword: $currentPassword, newPassword: "a new password") { accessToken } }',
      { currentPassword: person.password },
    )
  expect(answer.code).toBe('INTERNAL_SERVER_ERROR')
  await restore()
  expect((await client.refresh(person.refreshToken)).errors).toBeUndefined()
  expect((await client.login(person.email, person.password)).errors).toBeUndefined()
})

it('no session starts if the signing keys cannot be read', async () => {
  const { client, countSessions, person, restore } = await startWithoutKeys()
  expect((await client.login(person.email, person.password)).code).toBe('INTERNAL_SERVER_ERROR')
  await restore()
  expect(await countSessions()).toBe(1)
  expect((await client.login(person.email, person.password)).errors).toBeUndefined()
})

it('no account is made whose first session could not start', async () => {
  const { client, restore } = await startWithoutKeys()
  const email = 'grace@example.com'
  expect((await client.send(register, { email })).code).toBe('INTERNAL_SERVER_ERROR')
  await restore()
  expect((await client.send(register, { email })).errors).toBeUndefined()
})

it("no account is created at a provider's first sign-in whose session could not start", async () => {
  const acme = await startHostileProvider()
  onTestFinished(() => acme.close())
  const { client, countUsers, restore } = await startWithoutKeys({
    REDIRECT_URIS: redirectUri,
    ...openidVariables('acme', acme),
  })
  const signIn = async () => {
    const flow = await begin(client, 'acme')
    const back = acme.authorize(flow.authorizationUrl, 'somebody new')
    return sendLogin(client, readAnswer(flow, back))
  }
  expect((await signIn()).code).toBe('INTERNAL_SERVER_ERROR')
  expect(await countUsers()).toBe(1)
  await restore()
  expect((await signIn()).errors).toBeUndefined()
  expect(await countUsers()).toBe(2)
})

it('a session is not renewed by a proof if the signing keys cannot be read', async () => {
  const { client, person, restore } = await startWithoutKeys()
  const prove = () =>
    client
      .as(person.accessToken)
      .send('mutation ($password: String!) { reauthenticate(password: $password) { tokenType } }', {
        password: person.password,
      })
  expect((await prove()).code).toBe('INTERNAL_SERVER_ERROR')
  await restore()
  // Its refresh token was not replaced.
  expect((await client.refresh(person.refreshToken)).errors).toBeUndefined()
  expect((await prove()).errors).toBeUndefined()
})

it('a refresh token that could not be exchanged for want of the signing keys still can be', async () => {
  const { client, person, restore } = await startWithoutKeys()
  expect((await client.refresh(person.refreshToken)).code).toBe('INTERNAL_SERVER_ERROR')
  await restore()
  expect((await client.refresh(person.refreshToken)).errors).toBeUndefined()
})
