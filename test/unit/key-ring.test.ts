import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { loadConfig } from '../../src/config/config.ts'
import { KeyRing, KeyRingLockedError, type Algorithm } from '../../src/core/tokens/key-ring.ts'
import { DerivedKeys } from '../../src/core/tokens/derived-keys.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('the key ring', () => {
  let testDatabase: TestDatabase
  let database: Database
  let now: number
  /** How often a ring has asked for the keys. */
  let reads: number
  beforeAll(async () => {
    testDatabase = await createTestDatabase()
    database = await openDatabase(
      loadConfig({ DATABASE_URL: testDatabase.url }).database,
      databaseOptions,
      () => {},
    )
    await database.migrate()
  })
  afterAll(async () => {
    await database.close()
    await testDatabase.remove()
  })
  beforeEach(async () => {
    await testDatabase.query('delete from signing_keys')
    now = Date.parse('2030-01-01')
    reads = 0
  })

  const openRing = (algorithm: Algorithm = 'EdDSA', appSecret = 'a'.repeat(32)) => {
    const counted = new Proxy(database, {
      get: (target, name) => {
        // Each read forks the entity manager.
        if (name === 'em') reads += 1
        return Reflect.get(target, name) as unknown
      },
    })
    return new KeyRing({
      database: counted,
      derivedKeys: new DerivedKeys(appSecret),
      clock: () => now,
      algorithm,
      rotationSeconds: 3600,
    })
  }
  const statesIn = async (ring: KeyRing) =>
    (await ring.list()).map(({ algorithm, state }) => `${algorithm} ${state}`).toSorted()
  const stored = () => testDatabase.query('select * from signing_keys order by kid')

  it('makes one current and one next key, however many start at once', async () => {
    const rings = Array.from({ length: 4 }, () => openRing())
    await Promise.all(rings.map((ring) => ring.start()))
    expect(await statesIn(rings[0]!)).toEqual(['EdDSA current', 'EdDSA next'])
    const kids = await Promise.all(rings.map(async (ring) => (await ring.current()).kid))
    expect(new Set(kids).size).toBe(1)
  })

  it('looks at most once every few seconds, however many unknown names it is asked for', async () => {
    const ring = openRing()
    await ring.start()
    reads = 0
    await Promise.all(Array.from({ length: 500 }, (_, index) => ring.find(`junk ${index}`)))
    for (let index = 0; index < 500; index += 1) await ring.find(`more junk ${index}`)
    expect(reads).toBe(1)
    now += 2000
    await ring.find('junk')
    expect(reads).toBe(1)
    now += 1001
    await Promise.all([ring.find('junk'), ring.find('junk'), ring.find('other junk')])
    expect(reads).toBe(2)
    // A clock that was set back does not stop it for good.
    now -= 3_600_000
    await ring.find('junk')
    expect(reads).toBe(3)
  })

  it('asks nothing for a name that it knows', async () => {
    const ring = openRing()
    await ring.start()
    reads = 0
    for (const { kid } of await openRing().list()) expect(await ring.find(kid)).toBeDefined()
    reads = 0
    await ring.find((await ring.current()).kid)
    expect(reads).toBe(0)
  })

  it('learns a key that another process made, also amid junk', async () => {
    const [ring, other] = [openRing(), openRing()]
    await ring.start()
    await other.start()
    await ring.find('junk')
    await other.rotate()
    await other.rotate()
    const { kid } = await other.current()
    expect(await ring.find(kid)).toBeUndefined()
    now += 3001
    expect(await ring.find(kid)).toMatchObject({ algorithm: 'EdDSA' })
  })

  it('rotates once if two rotate at once', async () => {
    const rings = [openRing(), openRing(), openRing()]
    for (const ring of rings) await ring.start()
    const { kid } = await rings[0]!.current()
    await Promise.all(rings.map((ring) => ring.rotate()))
    expect(await statesIn(rings[0]!)).toEqual(['EdDSA current', 'EdDSA next', 'EdDSA retired'])
    now += 10_000
    for (const ring of rings) {
      expect((await ring.current()).kid).not.toBe(kid)
      expect(await ring.find(kid)).toBeDefined()
    }
  })

  it('rotates by age, and lets a retired key go when its last token has expired', async () => {
    const ring = openRing()
    await ring.start()
    const { kid } = await ring.current()
    now += 3_599_000
    await ring.maintain()
    expect((await ring.current()).kid).toBe(kid)
    now += 1000
    await ring.maintain()
    expect((await ring.current()).kid).not.toBe(kid)
    // Someone who has yet to notice may sign with it for seconds.
    const longest = loadConfig({ ACCESS_TOKEN_LIFETIME: '24h' }).tokens.lifetimeSeconds
    expect(() => loadConfig({ ACCESS_TOKEN_LIFETIME: `${longest + 1}s` })).toThrow(/LIFETIME/)
    now += (longest + 10) * 1000
    await ring.maintain()
    expect(await ring.find(kid)).toBeDefined()
    now += 60_000
    await ring.maintain()
    expect(await ring.find(kid)).toBeUndefined()
  })

  it.each<[Algorithm, Algorithm]>([
    ['EdDSA', 'ES256'],
    ['ES256', 'RS256'],
    ['RS256', 'EdDSA'],
  ])('keeps the key of %s next to the new one of %s', async (before, after) => {
    const ring = openRing(before)
    await ring.start()
    const { kid } = await ring.current()
    const changed = openRing(after)
    await changed.start()
    expect((await changed.current()).algorithm).toBe(after)
    expect(await changed.find(kid)).toMatchObject({ algorithm: before })
    expect(await statesIn(changed)).toEqual(
      [`${after} current`, `${after} next`, `${before} retired`].toSorted(),
    )
  })

  it('publishes what verifies, and never what signs', async () => {
    for (const algorithm of ['EdDSA', 'ES256', 'RS256'] as const) {
      const ring = openRing(algorithm)
      await ring.start()
      const { keys } = await ring.jwks()
      expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length)
      for (const key of keys) {
        const members = { EdDSA: ['crv', 'x'], ES256: ['crv', 'x', 'y'], RS256: ['e', 'n'] }
        const expected = [...members[key.alg as Algorithm], 'alg', 'kid', 'kty', 'use']
        expect(Object.keys(key).toSorted()).toEqual(expected.toSorted())
      }
    }
  })

  // Anyone who runs a command or a server with the wrong secret must not be able to lock out the rest.
  it.each<[string, (ring: KeyRing) => Promise<void>]>([
    ['start', (ring) => ring.start()],
    ['rotate', (ring) => ring.rotate()],
    ['maintain', (ring) => ring.maintain()],
  ])('refuses to %s under another secret, and changes nothing', async (_name, act) => {
    const ring = openRing()
    await ring.start()
    const before = await stored()
    now += 3_600_000
    for (const algorithm of ['EdDSA', 'ES256'] as const) {
      await expect(act(openRing(algorithm, 'b'.repeat(32)))).rejects.toThrow(KeyRingLockedError)
      expect(await stored()).toEqual(before)
    }
    await testDatabase.query("delete from signing_keys where state = 'next'")
    const withoutNext = await stored()
    await expect(act(openRing('EdDSA', 'b'.repeat(32)))).rejects.toThrow(KeyRingLockedError)
    expect(await stored()).toEqual(withoutNext)
    await ring.maintain()
    expect(await statesIn(ring)).toContain('EdDSA next')
  })

  it('takes no private key that was changed, or moved to another row', async () => {
    const ring = openRing()
    await ring.start()
    const [first, second] = await stored()
    await testDatabase.query('update signing_keys set private_key_encrypted = ?', [
      String(first!['private_key_encrypted']),
    ])
    await testDatabase.query('update signing_keys set state = ? where kid = ?', [
      'retired',
      String(first!['kid']),
    ])
    await testDatabase.query("update signing_keys set state = 'current' where kid = ?", [
      String(second!['kid']),
    ])
    await expect(openRing().start()).rejects.toThrow(KeyRingLockedError)
  })

  it('can be created again', async () => {
    const ring = openRing()
    await ring.start()
    const { kid } = await ring.current()
    const anew = openRing('EdDSA', 'b'.repeat(32))
    await anew.reset()
    expect((await anew.current()).kid).not.toBe(kid)
    expect(await anew.find(kid)).toBeUndefined()
    await expect(openRing().start()).rejects.toThrow(KeyRingLockedError)
  })
})
