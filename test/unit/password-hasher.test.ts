import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import run, { missingCosts, type HashingTask } from '../../src/features/passwords/bcrypt.worker.ts'
import { PasswordHasher } from '../../src/features/passwords/password-hasher.ts'

const costs = Array.from({ length: 12 }, (_, index) => 4 + index)

describe('a refused password', () => {
  // CVE-2026-39321: the rounds of bcrypt are two to the power of the cost.
  it.each(costs)('takes the same number of rounds at cost %i, whatever is stored', (cost) => {
    const rounds = (list: number[]) => list.reduce((sum, one) => sum + 2 ** one, 0)
    expect(rounds(missingCosts(undefined, cost))).toBe(2 ** cost)
    for (const stored of costs.filter((one) => one <= cost)) {
      const hash = `$2b$${String(stored).padStart(2, '0')}$${'a'.repeat(53)}`
      expect(rounds([stored, ...missingCosts(hash, cost)])).toBe(2 ** cost)
    }
  })
})

describe('password hashing', () => {
  let hasher: PasswordHasher
  beforeAll(() => (hasher = new PasswordHasher({ cost: 8 })))
  afterAll(() => hasher.close())

  it('verifies what it hashed, and nothing else', async () => {
    const hash = await hasher.hash('correct horse battery')
    expect(hash).toMatch(/^\$2b\$08\$[./A-Za-z0-9]{53}$/)
    expect(hasher.needsRehash(hash)).toBe(false)
    expect(await hasher.verify('correct horse battery', hash)).toBe(true)
    expect(await hasher.verify('correct horse batterz', hash)).toBe(false)
    expect(await hasher.verify('correct horse battery', undefined)).toBe(false)
    expect(await hasher.verify('correct horse battery', null)).toBe(false)
  })

  it('understands hashes of other programs and of lower cost', async () => {
    // "U*U" of the test vectors of crypt_blowfish, in each of its spellings.
    const vector = '$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
    for (const version of ['$2a', '$2b', '$2y']) {
      expect(await hasher.verify('U*U', version + vector)).toBe(true)
      expect(await hasher.verify('U*V', version + vector)).toBe(false)
    }
    expect(hasher.needsRehash(`$2b${vector}`)).toBe(true)
  })

  it('gives two people with one password two hashes', async () => {
    const password = 'correct horse battery'
    expect(await hasher.hash(password)).not.toBe(await hasher.hash(password))
  })

  // On the event loop even bcryptjs's asynchronous functions take it for 100 ms at a time.
  it('leaves the event loop turning', async () => {
    const slow = new PasswordHasher({ cost: 11 })
    let turns = 0
    let isDone = false
    const turn = () => {
      turns += 1
      if (!isDone) setImmediate(turn)
    }
    setImmediate(turn)
    await slow.hash('correct horse battery')
    isDone = true
    await slow.close()
    expect(turns).toBeGreaterThan(100)
  })

  it('refuses what would wait too long, at once, and does what it has accepted', async () => {
    // However slow the machine is: here it is the length of the queue that refuses.
    const patient = new PasswordHasher({ cost: 8, longestWaitMilliseconds: 60_000 })
    const order: string[] = []
    const attempts = Array.from({ length: 40 * availableParallelism() }, async () => {
      try {
        const hash = await patient.hash('correct horse battery')
        order.push('hashed')
        return hash
      } catch (error) {
        order.push('refused')
        return error
      }
    })
    const results = await Promise.all(attempts)
    const refused = results.filter((result) => result instanceof AppError)
    const hashes = results.filter((result) => typeof result === 'string')
    expect(refused.length).toBeGreaterThan(0)
    expect(hashes.length + refused.length).toBe(results.length)
    expect(refused[0]!.extensions).toEqual({ code: 'RATE_LIMITED', retryAfter: 5 })
    // Those that came later take no place of those that came first.
    expect(results.slice(0, hashes.length)).toEqual(hashes)
    // No one waits to hear that there is no room.
    expect(order.lastIndexOf('refused')).toBe(refused.length - 1)
    expect(new Set(hashes.map((hash) => hasher.isWellFormed(hash)))).toEqual(new Set([true]))
    expect(await patient.hash('correct horse battery')).toMatch(/^\$2b\$08\$/)
    await patient.close()
  })

  it('hashes in turn: no one waits while others are served again and again', async () => {
    // However slow the machine is: what is looked at is the order.
    const patient = new PasswordHasher({ cost: 6, longestWaitMilliseconds: 60_000 })
    // More than are hashed at once, and fewer than may wait.
    const served = Array.from({ length: 3 * availableParallelism() }, () => 0)
    const isOver = () => Math.max(...served) >= 20
    await Promise.all(
      served.map(async (_, index) => {
        while (!isOver()) {
          await patient.verify('not the one', undefined)
          served[index]! += 1
        }
      }),
    )
    await patient.close()
    expect(Math.min(...served)).toBeGreaterThan(10)
  })

  // On a busy machine as many as may wait take longer than their clients wait for them.
  it('refuses what has waited too long, undone', async () => {
    const waits: number[] = []
    const busy = new PasswordHasher({
      cost: 11,
      longestWaitMilliseconds: 400,
      onWaited: (seconds) => waits.push(seconds),
    })
    const threads = Math.max(1, availableParallelism() - 1)
    const results = await Promise.allSettled(
      Array.from({ length: 12 * threads }, () => busy.hash('correct horse battery')),
    )
    await busy.close()
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.map(({ reason }) => (reason as AppError).extensions)).toEqual(
      refused.map(() => ({ code: 'RATE_LIMITED', retryAfter: 5 })),
    )
    expect(waits.filter((seconds) => seconds > 0.4)).toHaveLength(refused.length)
  })

  it('refuses what has taken too long', async () => {
    const slow = new PasswordHasher({
      cost: 11,
      longestWaitMilliseconds: 60_000,
      longestTurnMilliseconds: 1,
    })
    const attempts = [
      slow.hash('correct horse battery'),
      slow.verify('correct horse battery', undefined),
      slow.replace('correct horse battery', undefined, 'a new password'),
    ]
    for (const attempt of await Promise.allSettled(attempts)) {
      expect(attempt).toMatchObject({ reason: { extensions: { code: 'RATE_LIMITED' } } })
    }
    await slow.close()
  })

  it.each<HashingTask>([
    { kind: 'hash', password: 'correct horse battery', cost: 8 },
    { kind: 'verify', password: 'correct horse battery', hash: undefined, cost: 8 },
  ])('does no work whose time is over: $kind', (task) => {
    // Undefined if it was not done; a comparison that fails is false.
    expect(run({ ...task, startBy: 0 }).value).toBeUndefined()
    expect(run({ ...task, startBy: Number.POSITIVE_INFINITY }).value).toBeDefined()
  })

  it('lets fewer wait where each takes longer', async () => {
    const accepted = async (cost: number) => {
      const slow = new PasswordHasher({ cost })
      let refused = 0
      const attempts = Array.from({ length: 40 * availableParallelism() }, async () => {
        await slow.hash('correct horse battery').catch((error: unknown) => {
          if (error instanceof AppError) refused += 1
        })
      })
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      await slow.close()
      await Promise.all(attempts)
      return attempts.length - refused
    }
    const [ordinary, higher, highest] = [await accepted(12), await accepted(13), await accepted(15)]
    expect(higher).toBeLessThan(ordinary)
    expect(highest).toBeLessThan(higher)
    expect(highest).toBeGreaterThan(0)
  })
})
