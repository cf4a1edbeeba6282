/** A database for one test, on the engine of the running project. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { inject } from 'vitest'
import { createDatabaseAt, withClient } from './postgresql-client.ts'

export interface TestDatabase {
  /** For DATABASE_URL. */
  readonly url: string
  /** Runs a statement past the server; `?` for each parameter. */
  query(sql: string, parameters?: (string | number | null)[]): Promise<Record<string, unknown>[]>
  remove(): Promise<void>
}

export async function createTestDatabase(): Promise<TestDatabase> {
  return inject('engine') === 'postgresql' ? createPostgresql() : createSqlite()
}

function createSqlite(): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'))
  const file = join(folder, 'test.db')
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

async function createPostgresql(): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl')
  if (adminUrl === undefined) throw new Error('The global setup has not started PostgreSQL')
  const name = `test_${randomBytes(8).toString('hex')}`
  const url = await createDatabaseAt(adminUrl, name)
  return {
    url,
    query: (sql, parameters = []) => {
      let index = 0
      const numbered = sql.replaceAll('?', () => `$${++index}`)
      return withClient(url, async (client) => (await client.query(numbered, parameters)).rows)
    },
    remove: async () => {
      await withClient(adminUrl, (client) =>
        client.query(`drop database if exists ${name} with (force)`),
      )
    },
  }
}
