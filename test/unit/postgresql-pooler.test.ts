// PgBouncer between Latchkey and PostgreSQL: what works in session mode, and how the other modes are refused.
import { sql } from 'kysely'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/database.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createClient } from '../support/client.ts'
import { needs } from '../support/needs.ts'
import { startPgbouncer, type Pgbouncer } from '../support/pgbouncer.ts'
import { createDatabaseAt, queryPostgresql } from '../support/postgresql-client.ts'
import { startPostgresql, type PostgresqlServer } from '../support/postgresql.ts'
import { testAppSecret as APP_SECRET } from '../support/server.ts'

let server: PostgresqlServer
const poolers: Pgbouncer[] = []
beforeAll(async () => {
  server = await startPostgresql(['fsync=off'])
})
afterAll(async () => {
  for (const pooler of poolers) await pooler.stop()
  await server.stop()
})

let databases = 0

/** A pooler in front of an empty database. */
async function pool(settings: readonly string[]) {
  const name = `pooled_${++databases}`
  const direct = await createDatabaseAt(server.url, name)
  const pooler = await startPgbouncer(server.url, settings, [`alias_${name} = HOST dbname=${name}`])
  poolers.push(pooler)
  const url = (path: string) => Object.assign(new URL(pooler.url), { pathname: path })
  return { direct, pooler, url: url(name), alias: url(`alias_${name}`) }
}

async function start(url: URL, env: Record<string, string> = {}) {
  const app = await createApp(
    loadSettings({
      APP_SECRET,
      PORT: '0',
      LOG_LEVEL: 'silent',
      THROTTLE: 'off',
      DATABASE_URL: url.href,
      ...env,
    }),
    { passwordCost: 4 },
  )
  onTestFinished(() => app.close())
  return createClient(app.url)
}

const required = needs('PostgreSQL from npm', 'pgbouncer')

describe('a server behind PgBouncer in session mode', required, () => {
  it('signs users in, sets its limits on each connection, and finds its tables at the next start', async () => {
    const { url } = await pool(['pool_mode = session'])
    const first = await start(url)
    const ada = await first.register()
    const second = await start(url)
    const me = await second.as(ada.accessToken).send('{ me { email } }')
    expect(me.data).toEqual({ me: { email: ada.email } })
    expect((await second.refresh(ada.refreshToken)).errors).toBeUndefined()

    const { database: settings } = loadConfig({ APP_SECRET, DATABASE_URL: url.href })
    const database = await openDatabase(settings, databaseOptions, () => {})
    onTestFinished(() => database.close())
    const { rows } = await sql`select current_setting('statement_timeout') as statement,
      current_setting('lock_timeout') as lock, current_setting('search_path') as path,
      current_setting('idle_in_transaction_session_timeout') as idle,
      current_setting('synchronous_commit') as commit,
      current_setting('application_name') as name`.execute(database.kysely)
    expect(rows).toEqual([
      {
        statement: '8s',
        lock: '5s',
        path: '"public"',
        idle: '10s',
        commit: 'on',
        name: 'latchkey',
      },
    ])
  })

  it('uses the database whose alias the pooler knows, and creates none of that name', async () => {
    const { alias, direct } = await pool(['pool_mode = session'])
    await (await start(alias)).register()
    expect(await queryPostgresql(direct, 'select count(*)::int as count from users')).toEqual([
      { count: 1 },
    ])
    const name = alias.pathname.slice(1)
    expect(
      await queryPostgresql(direct, `select 1 from pg_database where datname = '${name}'`),
    ).toEqual([])
  })

  it('leaves no lock, setting or statement to the next client of a pooler that resets nothing', async () => {
    const { direct, url } = await pool(['pool_mode = session', 'server_reset_query ='])
    for (let round = 0; round < 2; round += 1) {
      const client = await start(url)
      const { accessToken } = await client.register()
      expect((await client.as(accessToken).send('{ me { id } }')).errors).toBeUndefined()
    }
    expect(
      await queryPostgresql(direct, "select 1 from pg_locks where locktype = 'advisory'"),
    ).toEqual([])
  })

  it('has what the options of its URL set, through the Unix socket of the pooler, too', async () => {
    const { pooler, url } = await pool(['pool_mode = session'])
    url.searchParams.set('options', '-c work_mem=8MB --default-transaction-isolation=serializable')
    url.searchParams.set('host', pooler.socketFolder)
    const { database: settings } = loadConfig({ APP_SECRET, DATABASE_URL: url.href })
    const database = await openDatabase(settings, databaseOptions, () => {})
    onTestFinished(() => database.close())
    const { rows } = await sql`select current_setting('work_mem') as memory,
      current_setting('default_transaction_isolation') as isolation`.execute(database.kysely)
    expect(rows).toEqual([{ memory: '8MB', isolation: 'serializable' }])
  })

  it('is told how large the pool must be when there is no second connection', async () => {
    const { url } = await pool(['pool_mode = session', 'default_pool_size = 1'])
    await expect(start(url)).rejects.toThrow(
      /^The pooler in front of .* gives no second connection: its pool must have room for DATABASE_POOL_SIZE/,
    )
  })
})

describe('a server behind PgBouncer in another mode', required, () => {
  it.each([['transaction'], ['statement']])(
    'ends its start in %s mode and names session mode',
    async (mode) => {
      const { direct, url } = await pool([`pool_mode = ${mode}`])
      // Others use the pooler meanwhile, so that it has several servers to give.
      const done = new AbortController()
      const others = Array.from({ length: 3 }, async () => {
        while (!done.signal.aborted) await queryPostgresql(url.href, 'select pg_sleep(0.01)')
      })
      try {
        await expect(start(url)).rejects.toThrow(/set it to session mode \(PgBouncer: pool_mode/)
      } finally {
        done.abort()
        await Promise.all(others)
      }
      await expect(start(url)).rejects.toThrow(/set it to session mode \(PgBouncer: pool_mode/)
      expect(
        await queryPostgresql(direct, "select 1 from pg_tables where schemaname = 'public'"),
      ).toEqual([])
    },
  )
})
