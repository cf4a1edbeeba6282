/** A PostgreSQL that flushes every commit, from npm, on all cores; each server gets a database of its own. */
import { startPostgresql } from '../test/support/postgresql.ts'
import { queryPostgresql } from '../test/support/postgresql-client.ts'
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
      await queryPostgresql(server.url, `create database ${name}`)
      return Object.assign(new URL(server.url), { pathname: `/${name}` }).href
    },
    stop: () => server.stop(),
  }
}
