import { beforeEach, describe, expect, it } from 'vitest'
import {
  chargedAttempts,
  countAccepted,
  freshAddress,
  loginFrom,
  registerFrom,
  throttled,
  wrongPassword,
} from '../support/attempts.ts'
import { holdNext, recordHashing } from '../support/hashing.ts'
import { startServer, type TestServer } from '../support/server.ts'

describe('attempts', () => {
  // Each test has a database of its own: it looks at all of the counters, or breaks them.
  let server: TestServer
  beforeEach(async () => (server = await startServer(throttled)))

  const password = 'correct horse battery'

  it('are all refused while the counters cannot be read, and nothing is hashed', async () => {
    const { email, accessToken } = await server.client.register()
    await server.database.query('alter table attempt_counters rename to lost')
    const tasks = recordHashing()
    for (const answer of [
      await server.client.login(email, password),
      await server.client.login(email, wrongPassword),
      await registerFrom(server.client, freshAddress(), 'new@example.com'),
      await server.client
        .as(accessToken)
        .send(
          `mutation { changePassword(currentPassword: "${password}", newPassword: "a new password") { tokenType } }`,
        ),
    ]) {
      expect(answer.code).toBe('INTERNAL_SERVER_ERROR')
      expect(answer.text).not.toMatch(/attempt_counters|table|relation/)
    }
    expect(tasks).toEqual([])
    await server.database.query('alter table lost rename to attempt_counters')
    expect((await server.client.login(email, password)).errors).toBeUndefined()
  })

  it('cost neither a query nor a hash once they are refused', async () => {
    const { email } = await server.client.register()
    const from = freshAddress()
    await countAccepted(() => loginFrom(server.client, from, email))
    await server.database.query('alter table attempt_counters rename to lost')
    await server.database.query('alter table users rename to nobody')
    const tasks = recordHashing()
    expect((await loginFrom(server.client, from, email, password)).code).toBe('RATE_LIMITED')
    expect(tasks).toEqual([])
  })

  it('that another instance gave back are known here a few seconds later', async () => {
    const sibling = await server.sibling()
    const { email } = await server.client.register()
    const from = freshAddress()
    for (let count = 0; count < 4; count++) await loginFrom(server.client, from, email)
    const verifying = holdNext('verify')
    const fifth = loginFrom(server.client, from, email, password)
    await verifying.reached
    expect((await loginFrom(sibling.client, from, email, password)).code).toBe('RATE_LIMITED')
    verifying.release()
    expect((await fifth).errors).toBeUndefined()
    server.advance(5)
    expect((await loginFrom(sibling.client, from, email, password)).errors).toBeUndefined()
  })

  it('are forgotten when their hour is over', async () => {
    const { email } = await server.client.register()
    await loginFrom(server.client, freshAddress(), email)
    // Of registering: the address and the network, twice. Of the guess: the pair, the address, the network
    // and the account. Longer than that is kept from where the owner has signed in.
    const counters = () => server.database.query('select * from attempt_counters')
    await server.maintain()
    expect(await counters()).toHaveLength(4 + 4 + 1)
    server.advance(3600)
    await server.maintain()
    expect(await counters()).toHaveLength(1)
    server.advance(90 * 24 * 3600)
    await server.maintain()
    expect(await counters()).toHaveLength(0)
  })

  it('that break a rule are not counted', async () => {
    for (const email of ['no address', 'a@b@c.test', '']) {
      await registerFrom(server.client, freshAddress(), email)
    }
    expect(await chargedAttempts(server)).toBe(0)
  })

  it('that could not be made are not counted', async () => {
    await server.database.query('alter table users rename to moved')
    const failed = await loginFrom(server.client, freshAddress(), 'ada@example.com')
    expect(failed.code).toBe('INTERNAL_SERVER_ERROR')
    expect(await chargedAttempts(server)).toBe(0)
  })
})
