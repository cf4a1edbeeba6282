/** The two servers under test: child processes on a core of their own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import Sqlite from 'better-sqlite3'

const root = join(import.meta.dirname, '..')
const serverCore = 0
const clientCore = 1
const startTimeoutMilliseconds = 30_000
const clockTicksPerSecond = 100

/** Whether servers and client can be kept on a core each. */
export const isPinned =
  availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0

/** Puts this process, which is the client, onto its own core. */
export function pinClient(): void {
  if (isPinned) spawnSync('taskset', ['-acp', String(clientCore), String(process.pid)])
}

export interface Server {
  readonly origin: string
  /** Milliseconds from the start of the process to the first answer. */
  readonly startMilliseconds: number
  /** What the process and its threads have used so far; undefined where the system does not tell. */
  cpuSeconds(): number | undefined
  /** Resident memory, now or at its highest, in megabytes (10⁶ bytes). */
  memoryMegabytes(which: 'now' | 'highest'): number | undefined
  stop(): Promise<void>
}

/** A person of the bare server, or of Latchkey. */
export interface Person {
  readonly email: string
  readonly accessToken: string
}

export const people = 8
export const password = 'a password for the benchmark'

export function personEmail(index: number): string {
  return `person${index}@example.com`
}

/**
 * Latchkey as `npm start` runs it, with every check on but the limit on attempts.
 * @param folder keeps database, secret and log; a second start in it finds the first one's database
 */
export function startLatchkey(dist: string, folder: string): Promise<Server> {
  return start({
    args: ['--enable-source-maps', '--max-semi-space-size=4', join(root, dist, 'main.js')],
    folder,
    environment: {
      DATABASE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
      LOG_LEVEL: 'info',
      THROTTLE: 'off',
    },
    probe: '{"query":"{ providers { id } }"}',
    expectedStatus: 200,
  })
}

/** The bare server, with a database of people and a token for each. */
export async function startBare(folder: string): Promise<{ server: Server; people: Person[] }> {
  const file = join(folder, 'bare.db')
  const secret = randomBytes(32).toString('base64url')
  mkdirSync(folder, { recursive: true })
  const database = new Sqlite(file)
  database.pragma('journal_mode = WAL')
  database.exec('create table users (id text primary key, email text, name text, roles text)')
  const insert = database.prepare('insert into users values (?, ?, ?, ?)')
  const list = Array.from({ length: people }, (_, index) => {
    const id = randomUUID()
    const email = personEmail(index)
    insert.run(id, email, 'A Person', '["USER"]')
    return { email, accessToken: signHs256({ sub: id, exp: Date.now() / 1000 + 86_400 }, secret) }
  })
  database.close()
  const server = await start({
    // Says nothing new to a Node that strips types by itself.
    args: ['--experimental-strip-types', join(root, 'bench', 'bare-server.ts')],
    folder,
    environment: { BARE_DATABASE: file, BARE_SECRET: secret },
    probe: '{}',
    expectedStatus: 401,
  })
  return { server, people: list }
}

function signHs256(claims: object, secret: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

interface StartOptions {
  readonly args: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** Posted to /graphql until it is answered. */
  readonly probe: string
  readonly expectedStatus: number
}

async function start(options: StartOptions): Promise<Server> {
  const { args, environment, folder, probe, expectedStatus } = options
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const [command, ...prefix] = isPinned
    ? ['taskset', '-c', String(serverCore), process.execPath]
    : [process.execPath]
  const output = openSync(join(folder, 'output.log'), 'a')
  const startedAt = performance.now()
  const child = spawn(command, [...prefix, ...args], {
    // Without the variables of the shell, which may configure a server too, and without its .env.
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: String(port), ...environment },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const stop = () => stopChild(child)
  try {
    await firstAnswer(child, port, probe, expectedStatus)
  } catch (error) {
    await stop()
    throw new Error(readFileSync(join(folder, 'output.log'), 'utf8'), { cause: error })
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    startMilliseconds: performance.now() - startedAt,
    cpuSeconds: () => cpuSeconds(child.pid!),
    memoryMegabytes: (which) => memoryMegabytes(child.pid!, which),
    stop,
  }
}

async function firstAnswer(
  child: ChildProcess,
  port: number,
  body: string,
  expectedStatus: number,
): Promise<void> {
  const deadline = performance.now() + startTimeoutMilliseconds
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error('The server has exited')
    if (!(await canConnect(port))) {
      await new Promise((resolve) => {
        setTimeout(resolve, 2)
      })
      continue
    }
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    if (response.status === expectedStatus) return
    throw new Error(`The first answer is ${response.status}: ${await response.text()}`)
  }
  throw new Error('The server does not answer')
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

function cpuSeconds(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  // proc(5): the name in parentheses may hold anything; utime and stime are fields 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond
}

function memoryMegabytes(pid: number, which: 'now' | 'highest'): number | undefined {
  if (process.platform !== 'linux') return undefined
  const field = which === 'now' ? 'VmRSS' : 'VmHWM'
  const kibibytes = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(
    readFileSync(`/proc/${pid}/status`, 'utf8'),
  )?.[1]
  return (Number(kibibytes) * 1024) / 1e6
}
