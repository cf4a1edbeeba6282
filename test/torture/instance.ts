/** The built server as a process of its own, to be killed, paused and stopped. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Client } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'

const root = join(import.meta.dirname, '../..')
const startTimeoutMilliseconds = 60_000
const keptOutputCharacters = 20_000

export type Environment = Readonly<Record<string, string>>

export interface Instance {
  readonly url: string
  readonly port: number
  readonly client: Client
  readonly pid: number
  /** From the start of the process to the first response that says it is ready. */
  readonly readyMilliseconds: number
  /** The end of what it has printed. */
  output(): string
  /** Its exit status, or the signal that ended it; undefined while it runs. */
  status(): number | NodeJS.Signals | undefined
  /** SIGKILL: it gets no chance to write anything more. */
  kill(): Promise<void>
  /** SIGTERM. @returns its exit status, or the signal that ended it */
  stop(): Promise<number | NodeJS.Signals>
  /** SIGSTOP: it stays, with its connections and locks, and does nothing. */
  pause(): void
  resume(): void
}

export interface InstanceOptions {
  readonly databaseUrl: string
  /** A free one, unless it is given. */
  readonly port?: number
  readonly env?: Environment
  /** Put before the command of the server. */
  readonly wrapper?: readonly string[]
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[]
}

/** Not a secret: it signs nothing outside the tests. */
export const appSecret = 'a secret that only the torture of this repository uses'

const defaults: Environment = {
  APP_SECRET: appSecret,
  // The same for every instance, whatever its port.
  TOKEN_ISSUER: 'https://login.example.com',
  LOG_LEVEL: 'error',
  // The clients all come from one address, and sign in more often than a user does.
  THROTTLE: 'off',
  BCRYPT_COST: '4',
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Starts what `npm start` starts.
 * @throws Error with its output, when it ends before it is ready
 */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const port = options.port ?? (await freePort())
  const startedAt = performance.now()
  const { child, output, status, ended } = spawnInstance({ ...options, port })
  const url = `http://127.0.0.1:${port}`
  try {
    await untilReady(url, status, startedAt)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`${(error as Error).message}\n${output()}`, { cause: error })
  }
  const readyMilliseconds = performance.now() - startedAt
  return {
    url,
    port,
    client: createClient(url),
    pid: child.pid!,
    readyMilliseconds,
    output,
    status,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  }
}

/** Starts it without waiting for anything. */
export function spawnInstance(options: InstanceOptions) {
  // A folder without .env.
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-torture-'))
  const command = [
    ...(options.wrapper ?? []),
    process.execPath,
    '--enable-source-maps',
    '--max-semi-space-size=8',
    ...(options.nodeOptions ?? []),
    // A hook finds no library inside the bundle.
    join(root, options.nodeOptions ? 'dist/main.unbundled.js' : 'dist/main.js'),
  ]
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env: {
      PATH: process.env['PATH'],
      ...defaults,
      DATABASE_URL: options.databaseUrl,
      PORT: String(options.port ?? 0),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-keptOutputCharacters)
    })
  }
  let result: number | NodeJS.Signals | undefined
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      running.delete(child)
      rmSync(cwd, { recursive: true, force: true })
      result = code ?? signal!
      resolve(result)
    })
  })
  return { child, output: () => text, status: () => result, ended }
}

async function untilReady(
  url: string,
  status: () => number | NodeJS.Signals | undefined,
  startedAt: number,
): Promise<void> {
  while (performance.now() - startedAt < startTimeoutMilliseconds) {
    const ended = status()
    if (ended !== undefined) throw new Error(`The server has ended (${ended}) before it was ready`)
    try {
      const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) })
      await response.text()
      if (response.ok) return
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
  throw new Error('The server did not become ready')
}
