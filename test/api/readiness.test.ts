// What a proxy asks before it sends anyone here.
import { inject, it, expect } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

const ready = async (server: TestServer) => (await fetch(`${server.url}/health/ready`)).status
const live = async (server: TestServer) => (await fetch(`${server.url}/health/live`)).status

it('a server is ready with its database up to date, and not if a migration is missing', async () => {
  const server = await startServer()
  expect(await ready(server)).toBe(200)
  // As after a backup of an older version was restored below it.
  const [last] = await server.database.query(
    'select name from mikro_orm_migrations order by id desc limit 1',
  )
  await server.database.query('delete from mikro_orm_migrations where name = ?', [
    String(last!['name']),
  ])
  expect(await ready(server)).toBe(503)
  expect(await live(server)).toBe(200)
  await server.database.query(
    'insert into mikro_orm_migrations (name, executed_at) values (?, current_timestamp)',
    [String(last!['name'])],
  )
  expect(await ready(server)).toBe(200)
})

it('a newer version that has migrated further does not make an older one unready', async () => {
  const server = await startServer()
  await server.database.query(
    "insert into mikro_orm_migrations (name, executed_at) values ('9999-of-tomorrow', current_timestamp)",
  )
  expect(await ready(server)).toBe(200)
})

it('says only whether it is', async () => {
  const server = await startServer()
  await server.database.query('alter table mikro_orm_migrations rename to lost')
  const response = await fetch(`${server.url}/health/ready`)
  expect([response.status, await response.json()]).toEqual([503, { status: 'unavailable' }])
  await server.database.query('alter table lost rename to mikro_orm_migrations')
  expect(await ready(server)).toBe(200)
})

it.runIf(inject('engine') === 'postgresql')(
  'a database that does not answer makes it unready in time, however often it is asked',
  async () => {
    const server = await startServer()
    // It has not answered when the statement gives up; the wait for a lock would end before.
    await server.database.query('alter table mikro_orm_migrations rename to lost')
    await server.database.query(
      'create view mikro_orm_migrations as select lost.* from lost, pg_sleep(60)',
    )
    const statuses = await Promise.all(Array.from({ length: 30 }, () => ready(server)))
    expect(statuses).toEqual(Array.from({ length: 30 }, () => 503))
    // They share one question: the pool has room for everyone else.
    await server.client.register()
    // It is still asked: no one has waited until the statement gave up by itself.
    const asked = await server.database.query(
      `select pg_cancel_backend(pid) as was_asked from pg_stat_activity
        where datname = current_database() and wait_event = 'PgSleep'`,
    )
    expect(asked).toEqual([{ was_asked: true }])
    await server.database.query('drop view mikro_orm_migrations')
    await server.database.query('alter table lost rename to mikro_orm_migrations')
    await expect.poll(() => ready(server)).toBe(200)
  },
)
