// What is told to have failed must not have come true: the key that signs the answer is read first. Of
// a refresh it is read last, and the same token gets the same successor again.
import { expect, it } from 'vitest'
import { startServer } from '../support/server.ts'

const register = `mutation ($email: String!) {
  register(email: $email, password: "correct horse battery") { accessToken }
}`

/** A server that has to read its signing keys again, and cannot. */
async function startWithoutKeys() {
  const server = await startServer()
  const { client, database } = server
  const person = await client.register()
  server.advance(11)
  await database.query('alter table signing_keys rename to lost')
  return {
    client,
    person,
    restore: () => database.query('alter table lost rename to signing_keys'),
    countSessions: async () =>
      (await database.query('select id from sessions where user_id = ?', [person.user.id])).length,
  }
}

it('a password is not changed where the signing keys cannot be read', async () => {
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

it('no session begins where the signing keys cannot be read', async () => {
  const { client, countSessions, person, restore } = await startWithoutKeys()
  expect((await client.login(person.email, person.password)).code).toBe('INTERNAL_SERVER_ERROR')
  await restore()
  expect(await countSessions()).toBe(1)
  expect((await client.login(person.email, person.password)).errors).toBeUndefined()
})

it('no account is made whose first session could not begin', async () => {
  const { client, restore } = await startWithoutKeys()
  const email = 'grace@example.com'
  expect((await client.send(register, { email })).code).toBe('INTERNAL_SERVER_ERROR')
  await restore()
  expect((await client.send(register, { email })).errors).toBeUndefined()
})

it('a refresh token that could not be exchanged for want of the signing keys still can be', async () => {
  const { client, person, restore } = await startWithoutKeys()
  expect((await client.refresh(person.refreshToken)).code).toBe('INTERNAL_SERVER_ERROR')
  await restore()
  expect((await client.refresh(person.refreshToken)).errors).toBeUndefined()
})
