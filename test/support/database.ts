/** A database for one test, on the engine of the running project. */
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Client } from 'pg'
import { inject } from 'vitest'
import { migrate } from './migrate.ts'
import { migratedDatabase, withClient } from './postgresql-client.ts'

export interface TestDatabase {
  /** For DATABASE_URL. */
  readonly url: string
  /** Runs a statement past the server; `?` for each parameter. */
  query(sql: string, parameters?: (string | number | null)[]): Promise<Record<string, unknown>[]>
  remove(): Promise<void>
}

/** An empty database. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return inject('engine') === 'postgresql' ? createPostgresql('template1') : createSqlite()
}

/** A database as a server that has started once leaves it, in a fraction of the time. */
export async function createMigratedDatabase(): Promise<TestDatabase> {
  return inject('engine') === 'postgresql'
    ? createPostgresql(migratedDatabase)
    : createSqlite(await (sqliteTemplate ??= makeSqliteTemplate()))
}

let sqliteTemplate: Promise<string> | undefined

/** One for all the files of a worker process. */
async function makeSqliteTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-template-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'template.db')
  await migrate(`sqlite:${file}`)
  return file
}

/** @param template a file that it is a copy of */
function createSqlite(template?: string): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'))
  const file = join(folder, 'test.db')
  if (template !== undefined) copyFileSync(template, file)
  return {
    url: `sqlite:${file}`,
    query: async (sql, parameters = []) => {
      const database = new Sqlite(file, { timeout: 5000 })
      try {
        const statement = database.prepare(sql)
        if (statement.reader) return statement.all(...parameters) as Record<string, unknown>[]
        statement.run(...parameters)
        return []
      } finally {
        database.close()
      }
    },
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

let administrator: Promise<Client> | undefined

/** One connection for all the files of a worker process. */
async function administer(statement: string): Promise<void> {
  const client = await (administrator ??= connect())
  await client.query(statement)
}

async function connect(): Promise<Client> {
  const connectionString = inject('postgresUrl')
  if (connectionString === undefined) throw new Error('The global setup has not started PostgreSQL')
  const client = new Client({ connectionString })
  await client.connect()
  return client
}

async function createPostgresql(template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await administer(`create database ${name} template ${template}`)
  const url = Object.assign(new URL(inject('postgresUrl')!), { pathname: `/${name}` }).href
  return {
    url,
    query: (sql, parameters = []) => {
      let index = 0
      const numbered = sql.replaceAll('?', () => `$${++index}`)
      return withClient(url, async (client) => (await client.query(numbered, parameters)).rows)
    },
    remove: () => administer(`drop database if exists ${name} with (force)`),
  }
}
