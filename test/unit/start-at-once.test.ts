import { once } from 'node:events'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/database.ts'
import { migrations } from '../../src/database/migrations/postgresql/index.ts'
import { needs } from '../support/needs.ts'
import { startPostgresql } from '../support/postgresql.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'
import { testAppSecret } from '../support/server.ts'

it('lets servers start at once on one database that is not there yet', async () => {
  // One round may miss the moment; three hardly do.
  for (let round = 0; round < 3; round += 1) {
    const folder = temporaryFolder()
    const servers = [1, 2, 3].map(() => startProcess(folder, { PORT: '0' }))
    const urls = await Promise.all(servers.map((server) => server.ready))
    const keys = await Promise.all(
      urls.map(async (url) => (await fetch(`${url}/.well-known/jwks.json`)).text()),
    )
    expect(new Set(keys).size).toBe(1)
    for (const server of servers) server.child.kill('SIGKILL')
  }
  // Nine starts: a machine that is busy takes its time.
}, 120_000)

/** Holds the lock of who writes, for as long as a migration may take. */
const hold = `
  const Sqlite = require('better-sqlite3')
  const { parentPort, workerData } = require('node:worker_threads')
  const database = new Sqlite(workerData)
  database.exec('begin immediate')
  parentPort.postMessage('held')
  setTimeout(() => database.exec('commit'), 500)`

it('a migration of SQLite waits for another process that is writing', async () => {
  const file = join(temporaryFolder(), 'latchkey.db')
  const { database: settings } = loadConfig({ DATABASE_URL: `sqlite:${file}` })
  const database = await openDatabase(settings, databaseOptions, () => {})
  onTestFinished(() => database.close())
  // The first question makes the table of what has been done, as the other one has by then.
  expect(await database.hasPendingMigrations()).toBe(true)
  // In a thread of its own: SQLite waits without letting anything else happen.
  const other = new Worker(hold, { eval: true, workerData: file })
  onTestFinished(async () => void (await other.terminate()))
  await once(other, 'message')
  await database.migrate()
  expect(await database.hasPendingMigrations()).toBe(false)
})

it(
  'runs the migrations of PostgreSQL once, however many servers start at the same moment',
  needs('PostgreSQL from npm'),
  async () => {
    const server = await startPostgresql(['fsync=off'])
    onTestFinished(() => server.stop())
    const { database: settings } = loadConfig({
      APP_SECRET: testAppSecret,
      DATABASE_URL: server.url,
    })
    const databases = await Promise.all(
      Array.from({ length: 8 }, () => openDatabase(settings, databaseOptions, () => {})),
    )
    try {
      await Promise.all(databases.map((database) => database.migrate()))
      const executed = await databases[0]!.em
        .fork()
        .execute<{ name: string }[]>('select name from mikro_orm_migrations order by id')
      expect(executed.map(({ name }) => name)).toEqual(
        migrations.map((migration) => new migration(undefined as never, undefined as never).name),
      )
    } finally {
      for (const database of databases) await database.close()
    }
  },
)
