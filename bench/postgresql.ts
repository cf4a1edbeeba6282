/** A PostgreSQL that flushes every commit, from npm, on all cores; each server gets a database of its own. */
import { Client } from 'pg'
import { startPostgresql } from '../test/support/postgresql.ts'
import { onAllCores } from './servers.ts'

export interface DatabaseServer {
  /** @returns its URL */
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
}

export async function startDatabaseServer(): Promise<DatabaseServer> {
  const server = await onAllCores(() => startPostgresql(['fsync=on', 'synchronous_commit=on']))
  return {
    createDatabase: async (name) => {
      await query(server.url, `create database ${name}`)
      return Object.assign(new URL(server.url), { pathname: `/${name}` }).href
    },
    stop: () => server.stop(),
  }
}

/** @returns the rows of the last statement */
export async function query(
  url: string,
  ...statements: string[]
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements) ({ rows } = await client.query(statement))
    return rows
  } finally {
    await client.end()
  }
}
