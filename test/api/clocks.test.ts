// Clocks that jump, that are far in the future, and that differ between instances: no one is let in for
// longer, or kept out for longer, than is written down.
import { describe, expect, it } from 'vitest'
import {
  countAccepted,
  freshAddress,
  loginFrom,
  throttled,
  wrongPassword,
} from '../support/attempts.ts'
import { operatorOf } from '../support/command.ts'
import { startServer, stopTime, type TestServer } from '../support/server.ts'

stopTime()

const hour = 3600
const year = 365 * 24 * hour

async function signIn(server: TestServer) {
  const { email, password } = await server.client.register()
  return { email, password, ...(await server.client.login(email, password)).data.login }
}

const isOpen = async (server: TestServer, accessToken: string) =>
  (await server.client.as(accessToken).send('{ me { email } }')).reason ?? 'open'

describe('a clock that is set back by an hour', () => {
  it('ends no session, and promises nothing that is over', async () => {
    const server = await startServer()
    const tokens = await signIn(server)
    server.advance(-hour)
    const refreshed = (await server.client.refresh(tokens.refreshToken)).data.refreshToken
    expect(await isOpen(server, refreshed.accessToken)).toBe('open')
    expect(refreshed.expiresIn).toBe(900)
    expect(refreshed.refreshExpiresIn).toBeGreaterThan(0)
    await server.maintain()
    expect(await isOpen(server, refreshed.accessToken)).toBe('open')
    // A server that has not seen the first token takes it for one of the future: it cannot tell.
    const sibling = await server.sibling()
    expect(await isOpen(sibling, tokens.accessToken)).toBe('TOKEN_INVALID')
    expect(await isOpen(sibling, refreshed.accessToken)).toBe('open')
  })

  it('does not prolong the grace of a refresh token that was replaced', async () => {
    const server = await startServer()
    const { refreshToken } = await signIn(server)
    expect((await server.client.refresh(refreshToken)).errors).toBeUndefined()
    server.advance(-hour)
    expect((await server.client.refresh(refreshToken)).code).toBe('REFRESH_TOKEN_REUSED')
  })

  it('keeps no key in use that was replaced', async () => {
    const server = await startServer()
    const kidOf = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid as string
    const before = await signIn(server)
    server.advance(-hour)
    expect((await operatorOf(server).keys(['rotate'])).status).toBe(0)
    const after = (await server.client.login(before.email, before.password)).data.login
    expect(kidOf(after.accessToken)).not.toBe(kidOf(before.accessToken))
  })

  it('keeps no one out for longer than a block lasts', async () => {
    const server = await startServer(throttled)
    const { email, password } = await server.client.register()
    const from = freshAddress()
    const attempt = (secret: string) => loginFrom(server.client, from, email, secret)
    await countAccepted(() => attempt(wrongPassword))
    server.advance(-hour)
    expect((await attempt(password)).errors).toBeUndefined()
    // Guesses are counted as before.
    await countAccepted(() => attempt(wrongPassword))
    const refused = await attempt(password)
    expect(refused.code).toBe('RATE_LIMITED')
    expect(refused.errors![0]!.extensions.retryAfter).toBeLessThanOrEqual(900)
  })
})

describe('a clock that was a year ahead, and is put right', () => {
  it('leaves no counter behind that counts for a year', async () => {
    const server = await startServer(throttled)
    const { email } = await server.client.register()
    const from = freshAddress()
    const attempt = () => loginFrom(server.client, from, email)
    server.advance(year)
    for (let block = 0; block < 4; block++) {
      await countAccepted(attempt)
      server.advance(900)
    }
    server.advance(-year - 4 * 900)
    expect(await countAccepted(attempt)).toBe(5)
  })
})

describe('a sign-in under a clock that was a year ahead', () => {
  const strangersGuess = (server: TestServer, email: string) =>
    countAccepted(() => loginFrom(server.client, freshAddress(), email))

  it('makes no place trusted for longer than another one', async () => {
    const server = await startServer(throttled)
    const { email, password } = await server.client.register()
    const [known, wrong] = [freshAddress(), freshAddress()]
    server.advance(year)
    expect((await loginFrom(server.client, wrong, email, password)).errors).toBeUndefined()
    server.advance(-year)
    expect((await loginFrom(server.client, known, email, password)).errors).toBeUndefined()
    expect(await strangersGuess(server, email)).toBe(10)
    expect((await loginFrom(server.client, known, email, password)).errors).toBeUndefined()
    expect((await loginFrom(server.client, wrong, email, password)).code).toBe('RATE_LIMITED')
  })

  it('leaves nothing behind that is kept for a year', async () => {
    const server = await startServer(throttled)
    const { email, password } = await server.client.register()
    server.advance(year)
    expect((await loginFrom(server.client, freshAddress(), email, password)).errors).toBeUndefined()
    await strangersGuess(server, email)
    server.advance(-year)
    await server.maintain()
    // The registration came under a clock that was right.
    const rows = await server.database.query('select key from attempt_counters')
    expect(rows.every(({ key }) => !String(key).startsWith('account:'))).toBe(true)
    expect(rows.filter(({ key }) => String(key).startsWith('familiar:'))).toHaveLength(1)
  })
})

describe('a block that a wrong clock has written', () => {
  it('is not returned as the time to wait for one that holds', async () => {
    const server = await startServer(throttled)
    const { email } = await server.client.register()
    const from = freshAddress()
    await countAccepted(() => loginFrom(server.client, from, email))
    // All counters but one that is blocked for some seconds.
    await server.database.query(
      'update attempt_counters set blocked_until = ? where blocked_until = 0',
      [server.now() + year * 1000],
    )
    // A server that remembers nothing has to ask.
    const sibling = await server.sibling()
    const refused = await loginFrom(sibling.client, from, email)
    expect(refused.code).toBe('RATE_LIMITED')
    expect(refused.errors![0]!.extensions.retryAfter).toBe(15)
  })
})

describe('after the 19th of January 2038', () => {
  it('users register, sign in, refresh, are listed, are blocked and sign out as before', async () => {
    const server = await startServer(throttled)
    server.advance((Date.UTC(2038, 0, 19, 3, 14, 0) - server.now()) / 1000)
    const { email, password, refreshToken } = await signIn(server)
    // Over the edge of 31 bits.
    server.advance(60)
    const refreshed = (await server.client.refresh(refreshToken)).data.refreshToken
    const me = await server.client
      .as(refreshed.accessToken)
      .send('{ me { sessions { expiresAt current } events { edges { node { occurredAt } } } } }')
    const { events, sessions } = me.data.me
    expect(sessions).toHaveLength(2)
    for (const { expiresAt } of sessions) expect(expiresAt).toMatch(/^2038-02-18T03:1/)
    for (const { node } of events.edges) expect(node.occurredAt).toMatch(/^2038-01-19T03:1/)
    const from = freshAddress()
    await countAccepted(() => loginFrom(server.client, from, email))
    const refused = await loginFrom(server.client, from, email, password)
    expect(refused.errors![0]!.extensions.retryAfter).toBe(15)
    server.advance(hour)
    await server.maintain()
    expect((await loginFrom(server.client, from, email, password)).errors).toBeUndefined()
    await server.client.as(refreshed.accessToken).send('mutation { logout }')
    expect((await server.client.refresh(refreshed.refreshToken)).reason).toBe('SESSION_ENDED')
  })
})

describe.each([
  // The fifth guess is counted by the first server, and brings a block of 15 seconds. For a clock that is 30
  // ahead it is over at once, and the sixth brings one of 30, which starts then.
  { aheadSeconds: 30, accepted: 6, waits: [60, 30] },
  { aheadSeconds: -30, accepted: 5, waits: [15, 45] },
])(
  'an instance whose clock is $aheadSeconds seconds ahead',
  ({ aheadSeconds, accepted, waits }) => {
    it('gives tokens that the other takes, and takes those of the other', async () => {
      // The grace is shorter by what the clocks differ.
      const server = await startServer({ REFRESH_GRACE: '60s' })
      const sibling = await server.sibling({}, aheadSeconds)
      for (const [one, other] of [
        [server, sibling],
        [sibling, server],
      ] as const) {
        const tokens = await signIn(one)
        expect(await isOpen(other, tokens.accessToken)).toBe('open')
        const first = (await other.client.refresh(tokens.refreshToken)).data.refreshToken
        // Two tabs, of which the second comes to the other instance.
        const second = (await one.client.refresh(tokens.refreshToken)).data.refreshToken
        expect(second.refreshToken).toBe(first.refreshToken)
        for (const each of [first, second]) {
          expect(each.expiresIn).toBe(900)
          expect(each.refreshExpiresIn).toBeGreaterThan(0)
          expect(await isOpen(one, each.accessToken)).toBe('open')
          expect(await isOpen(other, each.accessToken)).toBe('open')
        }
        await one.client.as(first.accessToken).send('mutation { logout }')
        expect(await isOpen(other, second.accessToken)).toBe('SESSION_ENDED')
      }
    })

    it('counts guesses together with the other, and neither lets more pass', async () => {
      const server = await startServer(throttled)
      const sibling = await server.sibling({}, aheadSeconds)
      const { email, password } = await server.client.register()
      const from = freshAddress()
      const turn = (index: number) =>
        loginFrom([server, sibling][index % 2]!.client, from, email, wrongPassword)
      expect(await countAccepted(turn)).toBe(accepted)
      const answers = []
      for (const { client } of [server, sibling]) {
        answers.push(await loginFrom(client, from, email, password))
      }
      expect(answers.map(({ code }) => code)).toEqual(['RATE_LIMITED', 'RATE_LIMITED'])
      expect(answers.map(({ errors }) => errors![0]!.extensions.retryAfter)).toEqual(waits)
    })
  },
)
