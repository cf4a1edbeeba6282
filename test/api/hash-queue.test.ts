import { availableParallelism } from 'node:os'
import { hashSync } from 'bcryptjs'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  chargedAttempts,
  freshAddress,
  loginFrom,
  registerFrom,
  throttled,
} from '../support/attempts.ts'
import { recordHashing } from '../support/hashing.ts'
import { eventually } from '../support/patience.ts'
import { startServer } from '../support/server.ts'

/** More than the threads have room for. */
const storm = Array.from({ length: 40 * availableParallelism() }, (_, index) => index)
// Slow enough that a storm fills the queue: its requests come faster than they can be hashed.
const cost = 9
/** As many as hash at the same time. */
const threads = Math.max(1, availableParallelism() - 1)

describe('more logins than there is room for', () => {
  it('are refused at once with the time to wait, and no one is charged for it', async () => {
    const server = await startServer(throttled, { passwordCost: cost })
    const tasks = recordHashing()
    const answers = await Promise.all(
      storm.map((index) => loginFrom(server.client, freshAddress(), `nobody${index}@example.com`)),
    )
    const refused = answers.filter(({ code }) => code === 'RATE_LIMITED')
    const done = answers.filter(({ code }) => code === 'INVALID_CREDENTIALS')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length + done.length).toBe(storm.length)
    for (const answer of refused) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '5'])
      expect(answer.errors![0]).toMatchObject({
        message: 'The server is busy. Try again in a moment.',
        extensions: { code: 'RATE_LIMITED', retryAfter: 5 },
      })
    }
    // On a slow machine some of those that had room wait too long for their turn.
    expect(tasks.filter(({ isUndone }) => !isUndone)).toHaveLength(done.length)
    // The pair, the address, the network and the account of each that was compared.
    expect(await chargedAttempts(server)).toBe(4 * done.length)
  })
})

describe('more registrations than there is room for', () => {
  it('create an account or nothing, and a client that is refused can try again', async () => {
    const server = await startServer(throttled, { passwordCost: cost })
    const people = storm.map((index) => ({ from: freshAddress(), email: `p${index}@example.com` }))
    const register = ({ from, email }: { from: string; email: string }) =>
      registerFrom(server.client, from, email)
    const answers = await Promise.all(people.map(register))
    const refused = people.filter((_, index) => answers[index]!.code === 'RATE_LIMITED')
    const made = people.filter((_, index) => !answers[index]!.errors)
    expect(refused.length).toBeGreaterThan(0)
    expect(made.length + refused.length).toBe(people.length)
    const emails = async () => {
      const rows = await server.database.query('select email from users')
      return new Set(rows.map((row) => row['email']))
    }
    expect(await emails()).toEqual(new Set(made.map(({ email }) => email)))
    // Only accounts that were made count as such: for the address and for the network.
    expect(await chargedAttempts(server)).toBe(2 * made.length)
    expect((await register(refused[0]!)).errors).toBeUndefined()
  })
})

describe('while passwords are hashed', () => {
  // OWASP ASVS 15.2.2: who is signed in does not wait for those who sign in.
  it('me is answered fifty times before the first of the logins', async () => {
    // However slow the machine is: what is looked at is the order.
    const overrides = { passwordCost: 13, requestTimeoutMilliseconds: 60_000 }
    const server = await startServer({}, overrides)
    const { accessToken } = await server.client.register()
    const failures: unknown[] = []
    // A process that is held up may lose once; one that does the hashing itself loses each time.
    await eventually(async () => {
      const order: string[] = []
      // Every thread is busy, and none of them has to wait for one.
      const logins = Array.from({ length: threads }, async (_, index) => {
        const answer = await server.client.login(`nobody${index}@example.com`, 'not the password')
        order.push('login')
        if (answer.code !== 'INVALID_CREDENTIALS') failures.push(answer.errors)
      })
      for (let count = 0; count < 50; count++) {
        const answer = await server.client.as(accessToken).send('{ me { id } }')
        if (answer.errors) failures.push(answer.errors)
        order.push('me')
      }
      await Promise.all(logins)
      expect(order.indexOf('login')).toBe(50)
    })
    expect(failures).toEqual([])
  })
})

describe('logins that take longer than the configured cost says', () => {
  it('are refused undone after waiting for some seconds, rather than made to wait for longer', async () => {
    // However slow the machine is: what is looked at is the queue.
    const overrides = { passwordCost: 10, requestTimeoutMilliseconds: 60_000 }
    const server = await startServer({}, overrides)
    const person = await server.client.register()
    // As BCRYPT_COST was before it was lowered: each takes sixteen times as long.
    const hash = hashSync(person.password, 14)
    await server.database.query('update users set password_hash = ? where id = ?', [
      hash,
      person.user.id,
    ])
    const tasks = recordHashing()
    // There is room for all of them.
    const answers = await Promise.all(
      Array.from({ length: 12 * threads }, () =>
        server.client.login(person.email, person.password),
      ),
    )
    const codes = answers.map(({ code }) => code)
    expect(new Set(codes)).toEqual(new Set([undefined, 'RATE_LIMITED']))
    expect(tasks.filter(({ isUndone }) => !isUndone)).toHaveLength(
      codes.filter((code) => code === undefined).length,
    )
  }, 120_000)
})

describe('one network that keeps the queue full with sign-ins that succeed', () => {
  it('does not take it from other networks', async () => {
    const overrides = { passwordCost: 8, requestTimeoutMilliseconds: 60_000 }
    const server = await startServer(throttled, overrides)
    const accounts = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const email = `user${index}@example.com`
        await eventually(async () => {
          expect((await registerFrom(server.client, freshAddress(), email)).errors).toBeUndefined()
        })
        return email
      }),
    )
    const end = new AbortController()
    let refusals = 0
    // All of them from one /24, and many times what there is room for.
    const greedy = Array.from({ length: 20 * threads }, async (_, index) => {
      while (!end.signal.aborted) {
        const from = `198.51.100.${index % 250}`
        const answer = await loginFrom(
          server.client,
          from,
          accounts[index % 6]!,
          'correct horse battery',
        )
        if (answer.code === 'RATE_LIMITED') refusals += 1
      }
    })
    onTestFinished(() => end.abort())
    await expect.poll(() => refusals).toBeGreaterThan(0)
    for (let count = 0; count < 5; count++) {
      const from = `203.0.${count}.7`
      const answer = await loginFrom(server.client, from, accounts[0]!, 'correct horse battery')
      expect(answer.code).toBeUndefined()
    }
    end.abort()
    await Promise.all(greedy)
  }, 60_000)
})
