// What the server of Latchkey asks of its connections, and what it does when it gets none.
import { sql } from 'kysely'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/database.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createClient, type Client as ApiClient } from '../support/client.ts'
import { needs } from '../support/needs.ts'
import { startPostgresql, type PostgresqlServer } from '../support/postgresql.ts'
import { testAppSecret as APP_SECRET } from '../support/server.ts'
import { startTcpRelay, type TcpRelay } from '../support/tcp-relay.ts'

let server: PostgresqlServer
let admin: Client
beforeAll(async () => {
  server = await startPostgresql(['fsync=off'])
  admin = new Client({ connectionString: server.url })
  await admin.connect()
})
afterAll(async () => {
  await admin.end()
  await server.stop()
})

describe('a connection', needs('PostgreSQL from npm'), () => {
  it('has a limit for every wait, and tells of a commit only when it is on disk', async () => {
    const { database: settings } = loadConfig({ APP_SECRET, DATABASE_URL: server.url })
    const database = await openDatabase(settings, databaseOptions, () => {})
    onTestFinished(() => database.close())
    const names = [
      'application_name',
      'idle_in_transaction_session_timeout',
      'lock_timeout',
      'statement_timeout',
      'synchronous_commit',
    ]
    const { rows } = await sql<{ name: string; setting: string; unit: string | null }>`
      select name, setting, unit from pg_settings where name in (${sql.join(names)}) order by name
    `.execute(database.kysely)
    expect(rows.map(({ name, setting, unit }) => [name, setting + (unit ?? '')])).toEqual([
      ['application_name', 'latchkey'],
      ['idle_in_transaction_session_timeout', '10000ms'],
      ['lock_timeout', '5000ms'],
      ['statement_timeout', '8000ms'],
      ['synchronous_commit', 'on'],
    ])
  })

  it('is one of as many as DATABASE_POOL_SIZE says, and no more', async () => {
    const { database: settings } = loadConfig({
      APP_SECRET,
      DATABASE_URL: `${server.url}?application_name=counted`,
      DATABASE_POOL_SIZE: '3',
    })
    const database = await openDatabase(settings, databaseOptions, () => {})
    onTestFinished(() => database.close())
    await Promise.all(
      Array.from({ length: 20 }, () => sql`select pg_sleep(0.01)`.execute(database.kysely)),
    )
    const { rows } = await admin.query(
      "select count(*)::int as count from pg_stat_activity where application_name = 'counted'",
    )
    expect(rows[0]).toEqual({ count: 3 })
  })
})

describe(
  'a role that may have fewer connections than a start needs',
  needs('PostgreSQL from npm'),
  () => {
    it('ends the start with the reason', async () => {
      await admin.query("create role few login password 'few' connection limit 1")
      await admin.query('create database few owner few')
      const url = new URL(server.url)
      Object.assign(url, { username: 'few', password: 'few', pathname: '/few' })
      const settings = loadSettings({ APP_SECRET, DATABASE_URL: url.href, PORT: '0' })
      await expect(createApp(settings)).rejects.toThrow(
        'The PostgreSQL server of DATABASE_URL cannot be used: too many connections for role "few".',
      )
    })
  },
)

describe('a connection whose URL has options', needs('PostgreSQL from npm'), () => {
  it('has them, and waits for each commit', async () => {
    const options = encodeURIComponent('-c work_mem=8MB')
    const { database: settings } = loadConfig({
      APP_SECRET,
      DATABASE_URL: `${server.url}?options=${options}`,
    })
    const database = await openDatabase(settings, databaseOptions, () => {})
    onTestFinished(() => database.close())
    const { rows } = await sql`select current_setting('synchronous_commit') as commit,
      current_setting('work_mem') as memory`.execute(database.kysely)
    expect(rows).toEqual([{ commit: 'on', memory: '8MB' }])
  })
})

describe('a migration', needs('PostgreSQL from npm'), () => {
  it('has the time that it takes, and needs no place in the pool', async () => {
    await admin.query('create database slow')
    const url = new URL(server.url)
    url.pathname = '/slow'
    const slow = new Client({ connectionString: url.href })
    await slow.connect()
    onTestFinished(() => slow.end())
    // Longer than a statement may take, and longer than a connection in use may be silent.
    await slow.query(`create function dawdle() returns event_trigger language plpgsql as $$
      begin perform pg_sleep(9.5); drop event trigger once; end $$`)
    await slow.query(
      "create event trigger once on ddl_command_end when tag in ('CREATE INDEX') execute function dawdle()",
    )
    const env = { DATABASE_URL: url.href, DATABASE_POOL_SIZE: '1' }
    const { me } = await start(env)
    expect((await me()).errors).toBeUndefined()
  })
})

interface Person {
  readonly client: ApiClient
  me(): ReturnType<ApiClient['send']>
}

/** A server with one signed-in user. */
async function start(env: Record<string, string>): Promise<Person> {
  const app = await createApp(
    loadSettings({ APP_SECRET, PORT: '0', LOG_LEVEL: 'silent', THROTTLE: 'off', ...env }),
    { passwordCost: 4 },
  )
  onTestFinished(() => app.close())
  const client = createClient(app.url)
  const { accessToken } = await client.register()
  return { client, me: () => client.as(accessToken).send('{ me { email sessions { id } } }') }
}

/** Masked: it says that the same may well succeed a moment later, and not what is wrong. */
function expectMasked(answer: Awaited<ReturnType<Person['me']>>) {
  expect(answer.code).toBe('INTERNAL_SERVER_ERROR')
  expect(answer.status).toBe(503)
  expect(answer.errors![0]!.message).toBe('Internal server error')
  expect(answer.text).not.toMatch(/timeout|pool|connect|lock|postgres/i)
}

describe('a server whose pool is used up', needs('PostgreSQL from npm'), () => {
  it('responds with a masked error, and continues when there is room again', async () => {
    const { client, me } = await start({ DATABASE_URL: server.url, DATABASE_POOL_SIZE: '2' })
    await admin.query('begin; lock table sessions in access exclusive mode')
    const answers = await Promise.all(Array.from({ length: 6 }, me))
    for (const answer of answers) expectMasked(answer)
    await admin.query('rollback')
    expect((await me()).errors).toBeUndefined()
    expect((await client.register()).email).toBeDefined()
  })
})

describe('a server whose database is away', needs('PostgreSQL from npm'), () => {
  let relay: TcpRelay
  beforeAll(async () => {
    const { port } = new URL(server.url)
    relay = await startTcpRelay({ host: '127.0.0.1', port: Number(port) })
  })
  afterAll(() => relay.close())

  const throughRelay = () => {
    const url = new URL(server.url)
    url.port = String(relay.port)
    return url.href
  }

  it('responds with a masked error at once where connections are refused, and comes back', async () => {
    const { me } = await start({ DATABASE_URL: throughRelay() })
    relay.cut()
    for (const answer of await Promise.all([me(), me(), me()])) expectMasked(answer)
    relay.pass()
    expect((await me()).errors).toBeUndefined()
  })

  it('does so too if nothing comes back, and keeps no dead connection', async () => {
    const { client, me } = await start({ DATABASE_URL: throughRelay(), DATABASE_POOL_SIZE: '2' })
    await Promise.all([me(), me(), me()])
    relay.swallow()
    const login = () => client.login('nobody@example.com', 'not the password')
    // Two that have a connection and ask in vain, two that wait for one.
    for (const answer of await Promise.all([me(), login(), me(), login()])) expectMasked(answer)
    relay.pass()
    // The connections of before stay silent: they have to be given up.
    await vi.waitFor(async () => expect((await me()).errors).toBeUndefined(), { timeout: 60_000 })
  })
})
