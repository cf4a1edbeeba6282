// The migrations of the two engines are written apart; what they make has to be the same.
import { join } from 'node:path'
import { databaseOptions } from '../../src/commands/database-options.ts'
import Sqlite from 'better-sqlite3'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/database.ts'
import {
  readPostgresqlSchema,
  readSqliteSchema,
  type DatabaseSchema,
} from '../support/database-schema.ts'
import { needs } from '../support/needs.ts'
import { startPostgresql, type PostgresqlServer } from '../support/postgresql.ts'
import { temporaryFolder } from '../support/process.ts'
import { testAppSecret as APP_SECRET } from '../support/server.ts'

const file = join(temporaryFolder(), 'latchkey.db')

async function migrate(url: string): Promise<void> {
  const { database: settings } = loadConfig({ APP_SECRET, DATABASE_URL: url })
  const database = await openDatabase(settings, databaseOptions, () => {})
  try {
    await database.migrate()
  } finally {
    await database.close()
  }
}

function readSqlite(): DatabaseSchema {
  const database = new Sqlite(file)
  try {
    return readSqliteSchema(database)
  } finally {
    database.close()
  }
}

let server: PostgresqlServer
let client: Client
beforeAll(async () => {
  server = await startPostgresql(['fsync=off'])
  client = new Client({ connectionString: server.url })
  await client.connect()
  await migrate(`sqlite:${file}`)
  await migrate(server.url)
})
afterAll(async () => {
  await client.end()
  await server.stop()
})

describe('the migrations of SQLite and PostgreSQL', needs('PostgreSQL from npm'), () => {
  it('make the same tables, columns, keys and indexes', async () => {
    const sqlite = readSqlite()
    // So that two empty responses are no proof.
    expect(sqlite['sessions']).toMatchObject({
      columns: { id: 'text', ip: 'text null', generation: 'number' },
      primaryKey: ['id'],
      foreignKeys: ['user_id -> users(id), on update NO ACTION, on delete CASCADE'],
      indexes: { sessions_user_id_last_used_at_index: '(user_id, last_used_at)' },
    })
    expect(sqlite['signing_keys']!.indexes).toEqual({
      signing_keys_state_unique: "unique (state) where state <> 'retired'",
    })
    expect(await readPostgresqlSchema(client)).toEqual(sqlite)
  })

  it.each([
    'alter table sessions add column extra text',
    "alter table users alter column name set default 'x'",
    'alter table users alter column name set not null',
    'alter table users alter column name type bigint using null',
    'drop index sessions_expires_at_index',
    'drop index signing_keys_state_unique; create unique index signing_keys_state_unique on signing_keys (state)',
    'alter table users drop constraint users_email_unique; create index users_email_unique on users (email)',
    'alter table identities drop constraint identities_user_id_foreign',
    'alter table identities drop constraint identities_user_id_foreign, add constraint identities_user_id_foreign foreign key (user_id) references users (id)',
    'alter table attempt_counters drop constraint attempt_counters_pkey',
    'create table more (id text primary key)',
  ])('would differ after: %s', async (change) => {
    await client.query('begin')
    try {
      await client.query(change)
      expect(await readPostgresqlSchema(client)).not.toEqual(readSqlite())
    } finally {
      await client.query('rollback')
    }
  })
})
