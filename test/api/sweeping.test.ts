// Security case RT-20: expired rows go, by one instance at a time, without keeping anyone waiting.
import { randomUUID } from 'node:crypto'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EventIds } from '../../src/core/audit/event-id.ts'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/database.ts'
import { withLease } from '../../src/core/jobs/lease.ts'
import { batchRows } from '../../src/core/jobs/sweeping.ts'
import { startServer, testAppSecret, type TestServer } from '../support/server.ts'

const countSessions = async (server: TestServer) =>
  Number((await server.database.query('select count(*) as n from sessions'))[0]!['n'])

/** Sessions of an account whose time has been over for long. */
async function insertExpired(server: TestServer, userId: string, count: number): Promise<void> {
  for (let begin = 0; begin < count; begin += 500) {
    const rows = Array.from(
      { length: Math.min(500, count - begin) },
      (_, index) =>
        `('expired-${String(begin + index).padStart(14, '0')}', '${userId}', 'password', 0, 1, 1, 2, 2)`,
    )
    await server.database.query(
      `insert into sessions (id, user_id, method, generation, created_at, last_used_at, expires_at, ends_at)
        values ${rows.join(', ')}`,
    )
  }
}

async function holdLease(server: TestServer, seconds: number): Promise<void> {
  await server.database.query(
    "insert into leases (name, holder, expires_at) values ('sweep', ?, ?)",
    ['another instance', server.now() + seconds * 1000],
  )
}

describe('sweeping', () => {
  it('is done by one of two servers on a database, to its end, and spares what lives', async () => {
    const server = await startServer()
    const sibling = await server.sibling()
    const { user, refreshToken } = await server.client.register()
    await insertExpired(server, user.id, 3 * batchRows + 7)
    await Promise.all([server.maintain(), sibling.maintain()])
    expect(await countSessions(server)).toBe(1)
    expect((await sibling.client.refresh(refreshToken)).errors).toBeUndefined()
    expect(await server.database.query('select * from leases')).toEqual([])
  })

  it('waits for the instance that is at it, and not for one that has died', async () => {
    const server = await startServer()
    const { user } = await server.client.register()
    await insertExpired(server, user.id, 3)
    await holdLease(server, 60)
    await server.maintain()
    expect(await countSessions(server)).toBe(4)
    server.advance(61)
    await server.maintain()
    expect(await countSessions(server)).toBe(1)
    expect(await server.database.query('select * from leases')).toEqual([])
  })

  it('lets others take their turn between its batches', async () => {
    const server = await startServer()
    const { user } = await server.client.register()
    const { email, password } = await server.client.register()
    await insertExpired(server, user.id, 20 * batchRows)
    let isSwept = false
    let turns = 0
    const takeTurn = (): void => {
      turns += 1
      if (!isSwept) setImmediate(takeTurn)
    }
    setImmediate(takeTurn)
    const sweep = server.maintain().then(() => (isSwept = true))
    expect((await server.client.login(email, password)).errors).toBeUndefined()
    await sweep
    expect(turns).toBeGreaterThanOrEqual(20)
    expect(await countSessions(server)).toBe(3)
  })

  // One statement over all accounts that are active would keep everyone waiting.
  it('lets others take their turn while it looks for accounts with too many events', async () => {
    const server = await startServer()
    const ids = new EventIds()
    const rows = Array.from(
      { length: 2000 },
      () =>
        `('${ids.next(server.now())}', 'SIGNED_IN', ${server.now()}, '${randomUUID()}', 'ACCOUNT')`,
    )
    await server.database.query(
      `insert into audit_events (id, type, occurred_at, user_id, actor) values ${rows.join(', ')}`,
    )
    let isSwept = false
    let turns = 0
    const takeTurn = (): void => {
      turns += 1
      if (!isSwept) setImmediate(takeTurn)
    }
    setImmediate(takeTurn)
    await server.maintain()
    isSwept = true
    expect(turns).toBeGreaterThanOrEqual(20)
  })

  it('continues with the rest if one part of it fails', async () => {
    const server = await startServer()
    await server.client.login('nobody@example.com', 'not the password')
    await server.database.query('alter table sessions rename to lost')
    server.advance(91 * 24 * 3600)
    await expect(server.maintain()).rejects.toThrow('sessions')
    expect(await server.database.query('select * from audit_events')).toEqual([])
  })

  it('ends with its batch if the server stops', async () => {
    const server = await startServer()
    const { user } = await server.client.register()
    await insertExpired(server, user.id, 20 * batchRows)
    const maintained = server.maintain()
    await server.close()
    await expect(maintained).resolves.toBeUndefined()
  })

  it('is tried again after a failure', async () => {
    const server = await startServer()
    const { user } = await server.client.register()
    await insertExpired(server, user.id, 3)
    await server.database.query('alter table attempt_counters rename to lost')
    await expect(server.maintain()).rejects.toThrow('attempt_counters')
    await server.database.query('alter table lost rename to attempt_counters')
    await server.maintain()
    expect(await countSessions(server)).toBe(1)
  })
})

describe('a lease', () => {
  it('is one holder’s until it has said nothing for a minute, and then no more', async () => {
    const server = await startServer()
    const database = await openDatabase(
      loadConfig({ DATABASE_URL: server.database.url, APP_SECRET: testAppSecret }).database,
      databaseOptions,
      () => {},
    )
    onTestFinished(() => database.close())
    const options = { database, clock: server.now }
    const asked: string[] = []
    const never = async () => void asked.push('worked')
    const done = await withLease(options, 'work', async (extend) => {
      expect(await withLease(options, 'work', never)).toBe(false)
      server.advance(59)
      expect(await extend()).toBe(true)
      server.advance(59)
      expect(await withLease(options, 'work', never)).toBe(false)
      expect(await withLease(options, 'other work', async () => {})).toBe(true)
      server.advance(2)
      const another = await withLease(options, 'work', async () => {
        expect(await extend()).toBe(false)
      })
      expect(another).toBe(true)
      expect(await extend()).toBe(true)
    })
    expect(done).toBe(true)
    expect(asked).toEqual([])
    expect(await server.database.query('select * from leases')).toEqual([])
  })

  it('is not kept by one whose clock was wrong', async () => {
    const server = await startServer()
    const { user } = await server.client.register()
    await insertExpired(server, user.id, 3)
    await holdLease(server, 10 * 365 * 24 * 3600)
    await server.maintain()
    expect(await countSessions(server)).toBe(1)
  })

  it('has one winner of many who want it at once', async () => {
    const server = await startServer()
    const database = await openDatabase(
      loadConfig({ DATABASE_URL: server.database.url, APP_SECRET: testAppSecret }).database,
      databaseOptions,
      () => {},
    )
    onTestFinished(() => database.close())
    const release = Promise.withResolvers<void>()
    const contenders = Array.from({ length: 8 }, () =>
      withLease({ database, clock: server.now }, 'work', () => release.promise),
    )
    // Anyone who has lost says so while the winner is still at it.
    let lost = 0
    for (const contender of contenders) void contender.then((isDone) => (lost += isDone ? 0 : 1))
    await expect.poll(() => lost).toBe(7)
    release.resolve()
    expect((await Promise.all(contenders)).filter(Boolean)).toHaveLength(1)
  })
})
