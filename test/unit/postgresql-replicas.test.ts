// A real standby next to the server: what it may answer, and that it is missed by no one.
import { databaseOptions } from '../../src/commands/database-options.ts'
import {
  chownSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql, type Kysely } from 'kysely'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/database.ts'
import type { ConnectionType } from '../../src/database/replicas.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { AttemptCounter } from '../../src/core/throttle/attempt-counter.entity.ts'
import { createClient } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { needs } from '../support/needs.ts'
import { eventually } from '../support/patience.ts'
import {
  end,
  programsFromNpm,
  runPostgres,
  startPostgresql,
  type PostgresqlServer,
} from '../support/postgresql.ts'
import { testAppSecret as APP_SECRET } from '../support/server.ts'

let primary: PostgresqlServer
let standby: Standby
beforeAll(async () => {
  primary = await startPostgresql(['fsync=off', 'wal_level=replica', 'max_wal_senders=4'])
  const { database: settings } = loadConfig({ APP_SECRET, DATABASE_URL: primary.url })
  const database = await openDatabase(settings, databaseOptions, () => {})
  await database.migrate()
  await database.close()
  standby = await startStandby(primary.url)
})
afterAll(async () => {
  await standby.stop()
  await primary.stop()
})

interface Standby {
  readonly url: string
  stop(): Promise<void>
}

/** What pg_basebackup does, which is not in the package: files copied between two calls. */
async function startStandby(primaryUrl: string): Promise<Standby> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-standby-'))
  const admin = new Client({ connectionString: primaryUrl })
  await admin.connect()
  const source = (await admin.query('show data_directory')).rows[0].data_directory as string
  const { gid, uid } = statSync(source)
  const data = join(folder, 'data')
  const { port: primaryPort, username, password } = new URL(primaryUrl)
  await admin.query("select pg_backup_start('standby', true)")
  cpSync(source, data, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !/postmaster\.(pid|opts)$/.test(path),
  })
  const { rows } = await admin.query('select labelfile from pg_backup_stop(false)')
  await admin.end()
  writeFileSync(join(data, 'backup_label'), rows[0].labelfile)
  writeFileSync(join(data, 'standby.signal'), '')
  writeFileSync(
    join(data, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${primaryPort} user=${username} password=${password}'\n`,
  )
  chownAll(folder, uid, gid)
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const server = await runPostgres(programsFromNpm(), data, port, settings)
  const url = new URL(primaryUrl)
  url.port = String(port)
  return {
    url: url.href,
    stop: async () => {
      await end(server, 'SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function chownAll(path: string, uid: number, gid: number): void {
  if (process.getuid?.() !== 0) return
  chownSync(path, uid, gid)
  if (!statSync(path).isDirectory()) return
  for (const name of readdirSync(path)) chownAll(join(path, name), uid, gid)
}

async function open(replicas: readonly string[]) {
  const warnings: string[] = []
  const { database: settings } = loadConfig({
    APP_SECRET,
    DATABASE_URL: primary.url,
    DATABASE_REPLICA_URLS: replicas.join(','),
  })
  const database = await openDatabase(settings, databaseOptions, (message) =>
    warnings.push(message),
  )
  onTestFinished(() => database.close())
  const ask = async (connectionType: ConnectionType = 'write') => {
    const kysely = database.em.fork().getKysely({ type: connectionType }) as Kysely<unknown>
    const { rows } = await sql<{
      isStandby: boolean
      names: string[]
    }>`select pg_is_in_recovery() as "isStandby",
      coalesce((select json_agg(key) from attempt_counters), '[]') as names`.execute(kysely)
    return rows[0]!
  }
  return { database, ask, warnings }
}

const isOnStandby = async (server: Awaited<ReturnType<typeof open>>) =>
  (await server.database.readStale(server.ask)).isStandby

describe('a database with a replica', needs('PostgreSQL from npm'), () => {
  it('reads from it what may be a moment old, and nothing else', async () => {
    const server = await open([standby.url])
    expect(await isOnStandby(server)).toBe(true)
    expect((await server.ask()).isStandby).toBe(false)
    const { rows } = await sql<{
      isStandby: boolean
    }>`select pg_is_in_recovery() as "isStandby"`.execute(server.database.kysely)
    expect(rows[0]!.isStandby).toBe(false)
    const prepared = server.database.prepareRead<{ is_standby: boolean }>(
      'select pg_is_in_recovery() as is_standby where cast(? as text) is not null',
    )
    expect(await prepared('')).toEqual({ is_standby: false })
    // An ordinary find of the ORM, which by default would go to replicas.
    const found = await server.database.em
      .fork()
      .execute<{ is_standby: boolean }[]>('select pg_is_in_recovery() as is_standby')
    expect(found).toEqual([{ is_standby: false }])
    expect(server.warnings).toEqual([])
  })

  it('sees there, a moment later, what was written', async () => {
    const server = await open([standby.url])
    await sql`insert into attempt_counters values ('written', 0, 0, 0)`.execute(
      server.database.kysely,
    )
    expect((await server.ask()).names).toContain('written')
    await eventually(async () => {
      const { isStandby, names } = await server.database.readStale(server.ask)
      expect([isStandby, names]).toEqual([true, ['written']])
    })
  })

  it('decides nothing by a replica that has stood still', async () => {
    const server = await open([standby.url])
    const frozen = new Client({ connectionString: standby.url })
    await frozen.connect()
    onTestFinished(() => frozen.end())
    expect(await isOnStandby(server)).toBe(true)
    await frozen.query('select pg_wal_replay_pause()')
    try {
      await sql`insert into attempt_counters values ('later', 0, 0, 0)`.execute(
        server.database.kysely,
      )
      expect((await server.ask()).names).toContain('later')
      const em = server.database.em.fork()
      expect(await em.count(AttemptCounter, { key: 'later' })).toBe(1)
      expect(await em.findOne(AttemptCounter, { key: 'later' })).not.toBeNull()
      expect((await server.database.readStale(server.ask)).names).not.toContain('later')
    } finally {
      await frozen.query('select pg_wal_replay_resume()')
    }
  })

  it('does without one that is not there, and says so once', async () => {
    const url = new URL(standby.url)
    url.port = String(await freePort())
    const server = await open([url.href])
    for (let round = 0; round < 3; round += 1) expect(await isOnStandby(server)).toBe(false)
    expect(server.warnings.filter((warning) => warning.includes('replica'))).toHaveLength(1)
  })

  it('does without one that lacks what the server has', async () => {
    const url = new URL(standby.url)
    url.pathname = '/template1'
    const server = await open([url.href])
    expect(await isOnStandby(server)).toBe(false)
  })

  it('hands on what is wrong with the read itself', async () => {
    const server = await open([standby.url])
    await expect(
      server.database.readStale(async () => {
        throw new Error('ours')
      }),
    ).rejects.toThrow('ours')
  })
})

describe('a server with a replica', needs('PostgreSQL from npm'), () => {
  it('tells the history of an account from it, and who is signed in from the server itself', async () => {
    const app = await createApp(
      loadSettings({
        APP_SECRET,
        PORT: '0',
        LOG_LEVEL: 'silent',
        THROTTLE: 'off',
        DATABASE_URL: primary.url,
        DATABASE_REPLICA_URLS: standby.url,
      }),
      { passwordCost: 4 },
    )
    onTestFinished(() => app.close())
    const client = createClient(app.url)
    const { accessToken, email, password } = await client.register()
    const eventsOf = async (token: string): Promise<string[]> => {
      const { data } = await client
        .as(token)
        .send('{ me { events(first: 10) { edges { node { type } } } } }')
      return data.me.events.edges.map((edge: { node: { type: string } }) => edge.node.type)
    }
    await eventually(async () => expect(await eventsOf(accessToken)).not.toEqual([]))
    const before = await eventsOf(accessToken)

    const frozen = new Client({ connectionString: standby.url })
    await frozen.connect()
    onTestFinished(() => frozen.end())
    await frozen.query('select pg_wal_replay_pause()')
    try {
      const second = await client.login(email, password)
      // The new session is known at once, and its event is not yet told.
      expect(await eventsOf(second.data.login.accessToken)).toEqual(before)
      await client.as(accessToken).send('mutation { logout }')
      expect((await client.as(accessToken).send('{ me { id } }')).reason).toBe('SESSION_ENDED')
    } finally {
      await frozen.query('select pg_wal_replay_resume()')
    }
    const third = await client.login(email, password)
    await eventually(async () =>
      expect(await eventsOf(third.data.login.accessToken)).toHaveLength(before.length + 3),
    )
  })
})
