import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  countAccepted,
  freshAddress,
  loginFrom,
  throttled,
  wrongPassword,
} from '../support/attempts.ts'
import { recordHashing } from '../support/hashing.ts'
import { startServer, stopTime, type TestServer } from '../support/server.ts'

stopTime()

describe('wrong passwords for one account from one address', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer(throttled)))
  afterAll(() => server.close())

  /** An account, and its owner's address, from which no one has signed in yet. */
  async function target() {
    const person = await server.client.register()
    const from = freshAddress()
    const attempt = (password?: string) => loginFrom(server.client, from, person.email, password)
    return { ...person, from, attempt }
  }

  // OWASP ASVS 6.3.1
  it('are refused after five, the right one too, with the seconds to wait', async () => {
    const { attempt, password } = await target()
    for (let count = 0; count < 5; count++) {
      expect((await attempt()).code).toBe('INVALID_CREDENTIALS')
    }
    const tasks = recordHashing()
    const refused = await attempt()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('15')
    expect(refused.errors![0]).toMatchObject({
      message: 'Too many attempts. Try again later.',
      extensions: { code: 'RATE_LIMITED', retryAfter: 15 },
    })
    // Nothing says that this one would have been right.
    const right = await attempt(password)
    expect([right.status, right.text]).toEqual([refused.status, refused.text])
    expect(tasks).toEqual([])
  })

  it('wait 15 seconds, then twice as long each time, 15 minutes at most, and an hour clears them', async () => {
    const { attempt, password } = await target()
    for (let count = 0; count < 5; count++) await attempt()
    for (const delay of [15, 30, 60, 120, 240, 480, 900, 900]) {
      const refused = await attempt()
      expect(refused.errors![0]!.extensions.retryAfter).toBe(delay)
      server.advance(delay - 2)
      expect((await attempt(password)).code).toBe('RATE_LIMITED')
      server.advance(2)
      expect((await attempt()).code).toBe('INVALID_CREDENTIALS')
    }
    // The hour since the first attempt is over before this last block is, which is kept to its end.
    server.advance(890)
    await server.maintain()
    expect((await attempt()).errors![0]!.extensions.retryAfter).toBe(10)
    server.advance(10)
    expect(await countAccepted(() => attempt())).toBe(5)
  })

  it('answer for an unknown address as for a known one', async () => {
    const { attempt } = await target()
    const from = freshAddress()
    const unknown = () => loginFrom(server.client, from, 'nobody@unknown.test')
    for (let count = 0; count < 8; count++) {
      const [one, other] = [await attempt(), await unknown()]
      expect([other.status, other.text]).toEqual([one.status, one.text])
    }
  })

  it('are counted for every spelling of the address together', async () => {
    const { email, from } = await target()
    const spellings = [email, email.toUpperCase(), ` ${email}`, `${email}\n`]
    const accepted = await countAccepted((index) =>
      loginFrom(server.client, from, spellings[index % spellings.length]!),
    )
    expect(accepted).toBe(5)
  })

  it('are counted too if no password can be right', async () => {
    const { attempt } = await target()
    expect(await countAccepted(() => attempt('a'.repeat(500)))).toBe(5)
  })

  it('do not keep the user from what they are signed in to', async () => {
    const { accessToken, attempt, refreshToken } = await target()
    await countAccepted(() => attempt())
    expect((await server.client.as(accessToken).send('{ me { id } }')).errors).toBeUndefined()
    expect((await server.client.refresh(refreshToken)).errors).toBeUndefined()
  })

  it('do not count what succeeded', async () => {
    const { attempt, password } = await target()
    for (let count = 0; count < 4; count++) await attempt()
    for (let count = 0; count < 10; count++) {
      expect((await attempt(password)).errors).toBeUndefined()
    }
    expect((await attempt()).code).toBe('INVALID_CREDENTIALS')
    expect((await attempt()).code).toBe('RATE_LIMITED')
  })

  it('are not waited for again after a success', async () => {
    const { attempt, password } = await target()
    for (let count = 0; count < 5; count++) await attempt()
    server.advance(15)
    for (let count = 0; count < 3; count++) {
      expect((await attempt(password)).errors).toBeUndefined()
    }
    // The failures before are not forgotten.
    expect((await attempt()).code).toBe('INVALID_CREDENTIALS')
    expect((await attempt()).errors![0]!.extensions.retryAfter).toBe(30)
  })

  it('are remembered by a server that starts afterwards', async () => {
    const { attempt, email, from, password } = await target()
    await countAccepted(() => attempt())
    const other = await server.sibling()
    expect((await loginFrom(other.client, from, email, password)).code).toBe('RATE_LIMITED')
    server.advance(15)
    expect((await loginFrom(other.client, from, email, password)).errors).toBeUndefined()
  })

  // OWASP ASVS 6.2.3: a stolen session must not be a place to guess at the password.
  it('are the same counter at login and at changePassword', async () => {
    const { accessToken, attempt, email, from, password } = await target()
    const change = (currentPassword: string) =>
      server.client.as(accessToken).send(
        `mutation ($currentPassword: String) {
          changePassword(currentPassword: $currentPassword, newPassword: "a new password") { tokenType }
        }`,
        { currentPassword },
        { 'x-forwarded-for': from },
      )
    for (let count = 0; count < 2; count++) await attempt()
    expect(await countAccepted(() => change(wrongPassword))).toBe(3)
    expect((await change(password)).status).toBe(429)
    expect((await attempt(password)).code).toBe('RATE_LIMITED')
    server.advance(15)
    expect((await change(password)).errors).toBeUndefined()
    expect((await loginFrom(server.client, from, email, 'a new password')).errors).toBeUndefined()
  })

  it('count one by one in a document that makes several', async () => {
    const { email, from } = await target()
    const own = await server.client.register()
    const tasks = recordHashing()
    // graphql-js continues after a success, not after a failure.
    const both = () =>
      server.client.send(
        `mutation ($own: String!, $email: String!, $password: String!, $wrong: String!) {
          a: login(email: $own, password: $password) { tokenType }
          b: login(email: $email, password: $wrong) { tokenType }
        }`,
        { own: own.email, email, password: own.password, wrong: wrongPassword },
        { 'x-forwarded-for': from },
      )
    expect(await countAccepted(both)).toBe(5)
    expect(tasks.filter(({ password }) => password === wrongPassword)).toHaveLength(5)
  })

  it.each([6, 16, 100])('are not even one if a document makes %i', async (aliases) => {
    const { email, from } = await target()
    const tasks = recordHashing()
    const fields = Array.from(
      { length: aliases },
      (_, index) => `a${index}: login(email: "${email}", password: "guess ${index}") { tokenType }`,
    )
    const answer = await server.client.send(`mutation { ${fields.join(' ')} }`, undefined, {
      'x-forwarded-for': from,
    })
    expect([answer.status, answer.code]).toEqual([400, 'QUERY_TOO_COMPLEX'])
    expect(tasks).toEqual([])
  })
})
