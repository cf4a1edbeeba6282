import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  countAccepted,
  countAcceptedOf,
  freshAddress,
  loginFrom,
  registerFrom,
  throttled,
  wrongPassword,
} from '../support/attempts.ts'
import { holdNext, recordHashing } from '../support/hashing.ts'
import { startServer, stopTime, type TestServer } from '../support/server.ts'

stopTime()

let server: TestServer
beforeAll(async () => (server = await startServer(throttled)))
afterAll(() => server.close())

const password = 'correct horse battery'
const spread = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('guesses at one account', () => {
  // OWASP Authentication Cheat Sheet: the counter belongs to the account, not only to the address.
  it('are refused after ten, from however many addresses they come', async () => {
    const { email } = await server.client.register()
    const addresses = spread(50).map(() => freshAddress())
    const tasks = recordHashing()
    const answers = []
    for (const from of addresses) answers.push(await loginFrom(server.client, from, email))
    expect(answers.map(({ code }) => code)).toEqual(
      addresses.map((_, index) => (index < 10 ? 'INVALID_CREDENTIALS' : 'RATE_LIMITED')),
    )
    expect(tasks).toHaveLength(10)
    // Someone who is new here waits too; who they are, no one knows yet.
    const owner = freshAddress()
    expect((await loginFrom(server.client, owner, email, password)).code).toBe('RATE_LIMITED')
    server.advance(15)
    expect((await loginFrom(server.client, owner, email, password)).errors).toBeUndefined()
  })

  it.each([
    ['registered', async (home: string, email: string) => registerFrom(server.client, home, email)],
    [
      'signed in',
      async (home: string, email: string) => {
        await registerFrom(server.client, freshAddress(), email)
        return loginFrom(server.client, home, email, password)
      },
    ],
  ])('do not keep the owner out from where they have %s', async (_what, arrive) => {
    const home = freshAddress()
    const email = `owner.${home}@example.com`
    expect((await arrive(home, email)).errors).toBeUndefined()
    for (let round = 0; round < 3; round++) {
      await countAccepted(() => loginFrom(server.client, freshAddress(), email))
      expect((await loginFrom(server.client, home, email, password)).errors).toBeUndefined()
      server.advance(900)
    }
    // At home, too, guesses are counted.
    expect(await countAccepted(() => loginFrom(server.client, home, email))).toBe(5)
  })

  it('are counted at changePassword together with those at login', async () => {
    const { accessToken, email } = await server.client.register()
    const guess = (index: number) =>
      index % 2 === 0
        ? loginFrom(server.client, freshAddress(), email)
        : server.client
            .as(accessToken)
            .send(
              `mutation { changePassword(currentPassword: "${wrongPassword}", newPassword: "a new password") { tokenType } }`,
              undefined,
              { 'x-forwarded-for': freshAddress() },
            )
    expect(await countAccepted(guess)).toBe(10)
  })
})

describe('one address', () => {
  // OWASP Credential Stuffing Prevention: one password at many accounts.
  const spray = (from: string, accounts: string) => (index: number) =>
    loginFrom(server.client, from, `${accounts}${index}.${from}@example.com`)

  it('fails at a hundred accounts an hour, then waits', async () => {
    const from = freshAddress()
    const tasks = recordHashing()
    expect(await countAcceptedOf(120, spray(from, 'victim'))).toBe(100)
    expect(tasks).toHaveLength(100)
    // For registering it waits too, and no one else does.
    const email = `${from}@example.com`
    expect((await registerFrom(server.client, from, email)).code).toBe('RATE_LIMITED')
    expect((await registerFrom(server.client, freshAddress(), email)).errors).toBeUndefined()
    server.advance(15)
    expect(await countAccepted(spray(from, 'next'))).toBe(1)
    expect((await spray(from, 'last')(0)).errors![0]!.extensions.retryAfter).toBe(30)
  })

  it('buys no guess by signing in to an account of its own in between', async () => {
    const { email } = await server.client.register()
    const from = freshAddress()
    let guesses = await countAcceptedOf(90, spray(from, 'victim'))
    const turn = async () => {
      const own = await loginFrom(server.client, from, email, password)
      if (own.errors) return own
      const guess = await spray(from, 'next')(guesses)
      if (guess.code === 'INVALID_CREDENTIALS') guesses += 1
      return guess
    }
    await countAccepted(turn)
    expect(guesses).toBe(100)
    // Nor does it shorten the wait.
    for (const delay of [15, 30, 60]) {
      expect((await turn()).errors![0]!.extensions.retryAfter).toBe(delay)
      server.advance(delay)
      await turn()
    }
    expect(guesses).toBe(103)
  })

  it('buys no guess by registering in between', async () => {
    const from = freshAddress()
    let guesses = await countAcceptedOf(90, spray(from, 'victim'))
    const turn = async () => {
      const own = await registerFrom(server.client, from, `own${guesses}.${from}@example.com`)
      if (own.errors) return own
      const guess = await spray(from, 'next')(guesses)
      if (guess.code === 'INVALID_CREDENTIALS') guesses += 1
      return guess
    }
    await countAccepted(turn)
    expect(guesses).toBe(100)
  })

  it('asks a hundred times an hour which addresses are taken', async () => {
    const { email } = await server.client.register()
    const from = freshAddress()
    const tasks = recordHashing()
    const ask = () => registerFrom(server.client, from, email)
    expect((await ask()).code).toBe('EMAIL_TAKEN')
    expect(await countAcceptedOf(120, ask)).toBe(99)
    expect(tasks).toHaveLength(100)
    expect((await loginFrom(server.client, from, email, password)).code).toBe('RATE_LIMITED')
  })

  it('makes a hundred accounts an hour, and is not a suspect at login for it', async () => {
    const from = freshAddress()
    const email = (index: number) => `account${index}.${from}@example.com`
    const make = (index: number) => registerFrom(server.client, from, email(index))
    expect(await countAcceptedOf(120, make)).toBe(100)
    const login = await loginFrom(server.client, from, email(7), password)
    expect(login.errors).toBeUndefined()
  })
})

describe('guesses made all at once', () => {
  // CVE-2024-4629: what is counted after the response is not counted at all.
  it.each([
    ['one address', 5, () => 0],
    ['as many addresses', 10, (index: number) => index],
  ])('at one account from %s are %i comparisons, on two servers too', async (_what, most, key) => {
    const { email } = await server.client.register()
    const other = await server.sibling()
    const addresses = spread(100).map(() => freshAddress())
    const tasks = recordHashing()
    const answers = await Promise.all(
      addresses.flatMap((_, index) =>
        [server, other].map(({ client }) => loginFrom(client, addresses[key(index)]!, email)),
      ),
    )
    const codes = answers.map(({ code }) => code)
    expect(codes.filter((code) => code === 'INVALID_CREDENTIALS')).toHaveLength(most)
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(200 - most)
    expect(tasks).toHaveLength(most)
  })

  it('do not count the right passwords among them', async () => {
    const { email } = await server.client.register()
    const from = freshAddress()
    const right = spread(4).map(() => loginFrom(server.client, from, email, password))
    expect((await Promise.all(right)).filter(({ errors }) => errors)).toEqual([])
    expect(await countAccepted(() => loginFrom(server.client, from, email))).toBe(5)
  })

  it('are blocked no earlier for a right one that was on its way before them', async () => {
    const { email } = await server.client.register()
    const from = freshAddress()
    const held = holdNext('verify')
    const right = loginFrom(server.client, from, email, password)
    await held.reached
    expect(await countAccepted(() => loginFrom(server.client, from, email))).toBe(4)
    held.release()
    expect((await right).errors).toBeUndefined()
    expect(await countAccepted(() => loginFrom(server.client, from, email))).toBe(1)
  })

  it('stay blocked for what they have earned when a right one from before them succeeds', async () => {
    const { email } = await server.client.register()
    const from = freshAddress()
    const held = holdNext('verify')
    const right = loginFrom(server.client, from, email, password)
    await held.reached
    expect(await countAccepted(() => loginFrom(server.client, from, email))).toBe(4)
    server.advance(15)
    expect(await countAccepted(() => loginFrom(server.client, from, email))).toBe(1)
    held.release()
    expect((await right).errors).toBeUndefined()
    expect(await countAccepted(() => loginFrom(server.client, from, email))).toBe(0)
    server.advance(30)
    expect(await countAccepted(() => loginFrom(server.client, from, email))).toBe(1)
  })

  it('are counted in full if a right one was on its way when the hour ended', async () => {
    const { email } = await server.client.register()
    const from = freshAddress()
    const held = holdNext('verify')
    const right = loginFrom(server.client, from, email, password)
    await held.reached
    server.advance(3600)
    expect((await loginFrom(server.client, from, email)).code).toBe('INVALID_CREDENTIALS')
    held.release()
    expect((await right).errors).toBeUndefined()
    expect(await countAccepted(() => loginFrom(server.client, from, email))).toBe(4)
  })
})

describe('guesses from one network', () => {
  // A /48 of IPv6 has 65,536 blocks with a budget each.
  it.each([
    ['a /48 of IPv6', (index: number) => `2001:db8:77:${index.toString(16)}::1`, '2001:db8:78::1'],
    ['a /24 of IPv4', (index: number) => `192.0.2.${index % 256}`, '203.0.113.1'],
  ])(
    'are refused after a thousand, however many addresses it has: %s',
    async (_what, from, other) => {
      const owner = {
        from: from(999),
        email: `owner.${other.replaceAll(':', '.').replaceAll('..', '.')}@example.com`,
      }
      expect((await registerFrom(server.client, owner.from, owner.email)).errors).toBeUndefined()
      await loginFrom(server.client, from(0), 'first@example.com')
      const network = 'key like ? and count = 1'
      // As if 998 guesses at other accounts had come before.
      await server.database.query(`update attempt_counters set count = 999 where ${network}`, [
        'network:%',
      ])
      const guess = (index: number) =>
        loginFrom(server.client, from(index), `guess${index}@example.com`)
      expect((await guess(1)).code).toBe('INVALID_CREDENTIALS')
      expect((await guess(2)).code).toBe('RATE_LIMITED')
      expect((await loginFrom(server.client, other, 'else@example.com')).code).toBe(
        'INVALID_CREDENTIALS',
      )
      // An owner who has signed in from there before is not kept out.
      expect(
        (await loginFrom(server.client, owner.from, owner.email, password)).errors,
      ).toBeUndefined()
      server.advance(3600)
    },
  )
})
