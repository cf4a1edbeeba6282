// Starts one real PostgreSQL server for the whole run and gives its address to the tests.
import type { TestProject } from 'vitest/node'
import { startPostgresql } from './postgresql.ts'

const settings = [
  'max_connections=300',
  // The data die with the run: nothing needs to reach the disk.
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
]

export default async function setup(project: TestProject) {
  const server = await startPostgresql(settings)
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}
