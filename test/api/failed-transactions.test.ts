import { sql, type Kysely } from 'kysely'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { expect, inject, it, onTestFinished } from 'vitest'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createTestDatabase } from '../support/database.ts'
import { testAppSecret } from '../support/server.ts'

/** More than a pool has places. */
const failures = 12

async function open(): Promise<Database> {
  const testDatabase = await createTestDatabase()
  const settings = loadSettings({ DATABASE_URL: testDatabase.url, APP_SECRET: testAppSecret })
  const database = await openDatabase(settings.database, databaseOptions, () => {})
  onTestFinished(async () => {
    await database.close()
    await testDatabase.remove()
  })
  await sql`create table notes (body text)`.execute(database.kysely)
  return database
}

function write(database: Database, ...statements: string[]): Promise<void> {
  return database.em.fork().transactional(async (em) => {
    const kysely = em.getKysely() as Kysely<unknown>
    for (const statement of statements) await sql.raw(statement).execute(kysely)
  })
}

it('a transaction that the database has ended itself gives its connection back', async () => {
  const database = await open()
  const isSqlite = inject('engine') === 'sqlite'
  if (isSqlite) {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(database.kysely)
    await sql.raw(`pragma max_page_count = ${rows[0]!.page_count}`).execute(database.kysely)
  }
  const ends = isSqlite
    ? // The disk is full.
      `insert into notes values (hex(zeroblob(100000)))`
    : 'select pg_terminate_backend(pg_backend_pid())'
  const reason = isSqlite ? 'database or disk is full' : 'terminating connection'
  for (let count = 0; count < failures; count += 1) {
    await expect(write(database, `insert into notes values ('lost')`, ends)).rejects.toThrow(reason)
  }
  if (isSqlite) await sql`pragma max_page_count = 100000`.execute(database.kysely)

  await write(database, `insert into notes values ('kept')`)
  const { rows } = await sql`select body from notes`.execute(database.kysely)
  expect(rows).toEqual([{ body: 'kept' }])
})
