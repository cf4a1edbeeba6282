// Starts one real PostgreSQL server for the whole run and gives its address to the tests.
import type { TestProject } from 'vitest/node'
import { migrate } from './migrate.ts'
import { has, refuseInCi } from './needs.ts'
import { createDatabaseAt, migratedDatabase } from './postgresql-client.ts'
import { startPostgresql } from './postgresql.ts'

const settings = [
  'max_connections=300',
  // The data die with the run: nothing needs to reach the disk.
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
]

export default async function setup(project: TestProject) {
  if (!has('PostgreSQL from npm')) {
    refuseInCi('PostgreSQL from npm')
    project.provide('lacks', 'PostgreSQL from npm')
    return undefined
  }
  const server = await startPostgresql(settings)
  await migrate(await createDatabaseAt(server.url, migratedDatabase))
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}
