/** A PostgreSQL that flushes every commit, from npm, on all cores; each server gets a database of its own. */
import { startPostgresql } from '../test/support/postgresql.ts'
import { createDatabaseAt } from '../test/support/postgresql-client.ts'
import { onAllCores } from './servers.ts'

export interface DatabaseServer {
  /** @returns its URL */
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
}

export async function startDatabaseServer(): Promise<DatabaseServer> {
  const server = await onAllCores(() => startPostgresql(['fsync=on', 'synchronous_commit=on']))
  return {
    createDatabase: (name) => createDatabaseAt(server.url, name),
    stop: () => server.stop(),
  }
}
