// A version and the one after it on one database, as in a rolling update: the newer one widens a table,
// fills it, and narrows it again, while the older one serves.
import { Migration } from '@mikro-orm/migrations'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { sql } from 'kysely'
import { expect, inject, it, onTestFinished } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { migrations as postgresqlMigrations } from '../../src/database/migrations/postgresql/index.ts'
import { migrations as sqliteMigrations } from '../../src/database/migrations/sqlite/index.ts'
import { createClient, type Client } from '../support/client.ts'
import { createTestDatabase } from '../support/database.ts'
import { eventually } from '../support/patience.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'
import { startServer, testAppSecret } from '../support/server.ts'

class Expand extends Migration {
  override name = '9001-expand'
  override up(): void {
    this.addSql('alter table users add column nickname varchar(80) null')
    this.addSql('create index users_nickname_index on users (nickname)')
  }
}

class Contract extends Migration {
  override name = '9002-contract'
  override up(): void {
    this.addSql('drop index users_nickname_index')
    this.addSql('alter table users drop column nickname')
  }
}

/** Of the processes that this test starts none has them: only what is started in the test's own. */
function addMigration(migration: typeof Expand | typeof Contract): void {
  const all = inject('engine') === 'sqlite' ? sqliteMigrations : postgresqlMigrations
  all.push(migration)
  onTestFinished(() => void all.splice(all.indexOf(migration), 1))
}

const batchRows = 500

/** @param batches after which whoever fills dies */
async function backfill({ kysely }: Database, batches: number): Promise<number> {
  let filled = 0
  for (let batch = 0; batch < batches; batch++) {
    const result = await sql`update users set nickname = 'N' where id in (
      select id from users where nickname is null and name is not null limit ${batchRows})`.execute(
      kysely,
    )
    if (result.numAffectedRows === 0n) break
    filled += Number(result.numAffectedRows)
  }
  return filled
}

/** Does all that users do, until it is told to stop. */
function startLoad(client: Client) {
  const failures: string[] = []
  const over = new AbortController()
  let answered = 0
  const look = async <T extends object>(request: Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await request
      if ('errors' in answer && answer.errors) failures.push(JSON.stringify(answer.errors))
      return answer
    } catch (error) {
      failures.push(String(error))
      return undefined
    } finally {
      answered += 1
    }
  }
  const people = Array.from({ length: 4 }, async () => {
    const person = await client.register({ name: 'Ada' })
    let { refreshToken } = person
    while (!over.signal.aborted) {
      await look(client.as(person.accessToken).send('{ me { email name sessions { id } } }'))
      const refreshed = await look(client.refresh(refreshToken))
      refreshToken = refreshed?.data?.refreshToken?.refreshToken ?? refreshToken
      await look(client.login(person.email, person.password))
      await look(client.register({ name: 'Newcomer' }))
    }
  })
  const stop = async () => {
    over.abort()
    await Promise.all(people)
  }
  onTestFinished(stop)
  return {
    failures,
    /** Until so many more have been answered. */
    more: (count: number) => {
      const before = answered
      return expect.poll(() => answered, { interval: 10 }).toBeGreaterThan(before + count)
    },
    stop,
  }
}

it('a newer version widens, fills and narrows the tables under an older one that serves, and no one notices', async () => {
  const database = await createTestDatabase()
  onTestFinished(() => database.remove())
  const env = {
    DATABASE_URL: database.url,
    APP_SECRET: testAppSecret,
    TOKEN_ISSUER: 'https://login.example.com',
    THROTTLE: 'off',
    BCRYPT_COST: '4',
    LOG_LEVEL: 'error',
  }
  const startOlder = () => {
    const started = startProcess(temporaryFolder(), env)
    // Before its database goes.
    onTestFinished(async () => {
      started.child.kill('SIGKILL')
      await started.ended
    })
    return started
  }
  const older = startOlder()
  const client = createClient(await older.ready)
  for (let begin = 0; begin < 3000; begin += 500) {
    const rows = Array.from({ length: 500 }, (_, index) => {
      const id = `00000000-0000-4000-8000-${String(begin + index).padStart(12, '0')}`
      return `('${id}', 'old${begin + index}@example.com', true, 'Old', '["USER"]', 0, 0)`
    })
    await database.query(`insert into users
      (id, email, email_verified, name, roles, credential_version, created_at)
      values ${rows.join(', ')}`)
  }
  const load = startLoad(client)
  // Next to the load: a process that was held up says for once that it is not ready, and fails no one.
  const seeReady = () =>
    eventually(async () => {
      expect((await fetch(`${client.url}/health/ready`)).status).toBe(200)
    })
  await load.more(70)

  addMigration(Expand)
  const newer = await startServer(env)
  await load.more(70)
  await seeReady()
  // A session of one version is one of the other, and ends in both.
  const { accessToken, email, password } = await newer.client.register()
  expect((await client.as(accessToken).send('{ me { email } }')).data).toEqual({ me: { email } })
  await client.as(accessToken).send('mutation { logout }')
  expect((await newer.client.as(accessToken).send('{ me { email } }')).reason).toBe('SESSION_ENDED')

  const open = () => openDatabase(loadConfig(env).database, databaseOptions, () => {})
  const first = await open()
  expect(await backfill(first, 2)).toBe(2 * batchRows)
  await first.close()
  const second = await open()
  onTestFinished(() => second.close())
  expect(await backfill(second, Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(2000)
  await load.more(70)
  await seeReady()

  // The older version can still be started: the way back.
  const again = startOlder()
  const back = createClient(await again.ready)
  expect((await back.login(email, password)).errors).toBeUndefined()

  addMigration(Contract)
  // What is open already knows its own migrations only.
  const third = await open()
  onTestFinished(() => third.close())
  await third.migrate()
  await expect(database.query('select nickname from users')).rejects.toThrow('nickname')
  await load.more(70)
  await seeReady()
  expect((await newer.client.login(email, password)).errors).toBeUndefined()
  expect((await back.login(email, password)).errors).toBeUndefined()
  await load.stop()
  // Whoever waits too long for a lock fails.
  expect(load.failures).toEqual([])
  for (const { child, ended, stderr } of [older, again]) {
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(stderr()).toBe('')
  }
}, 120_000)
