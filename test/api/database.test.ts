import { statSync } from 'node:fs'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { dirname } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { DatabaseStartError } from '../../src/database/start-error.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createClient } from '../support/client.ts'
import { createTestDatabase } from '../support/database.ts'
import { startServer, testAppSecret } from '../support/server.ts'

const isPostgresql = inject('engine') === 'postgresql'
const configOf = (url: string) =>
  loadConfig({ DATABASE_URL: url, APP_SECRET: testAppSecret }).database

type Rows = Record<string, unknown>[]

/** Closed and removed when the test ends. */
async function openMigrated(): Promise<Database> {
  const test = await createTestDatabase()
  const database = await openDatabase(configOf(test.url), databaseOptions, () => {})
  onTestFinished(async () => {
    await database.close()
    await test.remove()
  })
  await database.migrate()
  return database
}

/** What a statement that has one response says, on the connection that the server uses. */
async function ask(database: Database, statement: string): Promise<unknown> {
  const rows: Rows = await database.em.fork().execute(statement)
  return Object.values(rows[0]!)[0]
}

describe('the migrated schema', () => {
  it('is what the entities say', async () => {
    const { em } = await openMigrated()
    const generator = em.getPlatform().getSchemaGenerator(em.getDriver(), em)
    expect((await generator.getUpdateSchemaSQL()).trim()).toBe('')
  })
})

describe.runIf(!isPostgresql)('the connection to SQLite', () => {
  it('writes ahead, waits for the disk and for others, and holds references', async () => {
    const database = await openMigrated()
    expect(await ask(database, 'pragma journal_mode')).toBe('wal')
    // FULL: what was reported to a client is on the disk.
    expect(await ask(database, 'pragma synchronous')).toBe(2)
    expect(await ask(database, 'pragma foreign_keys')).toBe(1)
    expect(await ask(database, 'pragma busy_timeout')).toBe(5000)
    // The connection that only reads waits for others as well.
    const read = database.prepareRead<{ timeout: number }>(
      'select timeout from pragma_busy_timeout where ? is not null',
    )
    expect(await read('it')).toEqual({ timeout: 5000 })
  })

  // OWASP ASVS 13.2.2
  it('makes files that only their owner may read', async () => {
    const { client, database } = await startServer()
    await client.register()
    const file = database.url.replace('sqlite:', '')
    for (const name of [file, `${file}-wal`, `${file}-shm`]) {
      expect([name, statSync(name).mode & 0o777]).toEqual([name, 0o600])
    }
    expect(statSync(dirname(file)).mode & 0o077).toBe(0)
  })
})

describe.runIf(isPostgresql)('the connection to PostgreSQL', () => {
  /** Why it cannot be opened, with the URL changed. */
  async function reasonFor(change: (url: URL) => void): Promise<string> {
    const test = await createTestDatabase()
    onTestFinished(() => test.remove())
    const url = new URL(test.url)
    change(url)
    try {
      await (await openDatabase(configOf(url.href), databaseOptions, () => {})).close()
      return ''
    } catch (error) {
      if (!(error instanceof DatabaseStartError)) throw error
      return error.message
    }
  }
  const prefix = 'The PostgreSQL server of DATABASE_URL cannot be used: '

  it('is shared by servers that start at once, of which one makes the tables and the keys', async () => {
    const test = await createTestDatabase()
    onTestFinished(() => test.remove())
    const settings = loadSettings({
      DATABASE_URL: test.url,
      APP_SECRET: testAppSecret,
      PORT: '0',
      LOG_LEVEL: 'silent',
    })
    const servers = await Promise.all(
      Array.from({ length: 4 }, () => createApp(settings, { passwordCost: 4 })),
    )
    onTestFinished(async () => {
      for (const server of servers) await server.close()
    })
    const rows = await test.query('select name from mikro_orm_migrations')
    expect(rows.length).toBeGreaterThan(0)
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
    // What one of them signs, every other verifies.
    const clients = servers.map(({ url }) => createClient(url))
    for (const signer of clients) {
      const { accessToken } = await signer.register()
      for (const client of clients) {
        const answer = await client.as(accessToken).send('{ me { id } }')
        expect(answer.errors).toBeUndefined()
      }
    }
  })

  it('waits for the disk, also if the server is set not to', async () => {
    // As the tests' own server is: see postgresql.global-setup.ts.
    const database = await openMigrated()
    expect(await ask(database, 'show synchronous_commit')).toBe('on')
  })

  it('gives up a statement, a lock and a forgotten transaction in time', async () => {
    const database = await openMigrated()
    expect(await ask(database, 'show statement_timeout')).toBe('8s')
    expect(await ask(database, 'show lock_timeout')).toBe('5s')
    expect(await ask(database, 'show idle_in_transaction_session_timeout')).toBe('10s')
  })

  it('is created again when it was cut', async () => {
    const { client, database } = await startServer()
    const { accessToken, refreshToken } = await client.register()
    await database.query(
      'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    const me = () => client.as(accessToken).send('{ me { id } }')
    await expect.poll(async () => (await me()).errors).toBeUndefined()
    expect((await client.refresh(refreshToken)).errors).toBeUndefined()
  })

  it('is refused with a wrong password, which is not told', async () => {
    const reason = await reasonFor((url) => (url.password = 'canary'))
    expect(reason).toBe(`${prefix}password authentication failed for user "postgres".`)
  })

  it('makes no database if the name is misspelt', async () => {
    const reason = await reasonFor((url) => (url.pathname = '/misspelt'))
    expect(reason).toBe(`${prefix}database "misspelt" does not exist.`)
  })

  it('is encrypted if the URL asks for it, or there is none', async () => {
    const reason = await reasonFor((url) => (url.search = '?sslmode=require'))
    expect(reason).toBe(`${prefix}The server does not support SSL connections.`)
  })

  it('says what the role may not do', async () => {
    const test = await createTestDatabase()
    onTestFinished(() => test.remove())
    const role = new URL(test.url).pathname.slice(1)
    await test.query(`create role ${role} login password 'canary'`)
    const url = new URL(test.url)
    url.username = role
    url.password = 'canary'
    const database = await openDatabase(configOf(url.href), databaseOptions, () => {})
    onTestFinished(async () => {
      await database.close()
      await test.query(`drop role ${role}`)
    })
    await expect(database.migrate()).rejects.toThrow(
      new DatabaseStartError(
        "The role of DATABASE_URL may not create or change tables in the schema public: make it the schema's owner, or grant it CREATE on the schema.",
      ),
    )
  })
})
