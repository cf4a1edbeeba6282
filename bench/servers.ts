/** Server processes: started on cores of their own, watched through /proc, stopped. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { freePort } from '../test/support/free-port.ts'

const startTimeoutMilliseconds = 60_000
const clockTicksPerSecond = 100

/** Whether servers and client can be kept on cores of their own. */
export const isPinned =
  availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0

/** One core for the server with all its threads; or two, so that its hashing has the second. */
export type Cores = 'one' | 'two'

const serverCores: Record<Cores, string> = { one: '0', two: '0,1' }
/** With two cores only, the client shares the second one with what little the server does there. */
const clientCore = availableParallelism() > 2 ? '2' : '1'

/** Puts this process, which is the client, onto its own core. */
export function pinClient(): void {
  if (isPinned) spawnSync('taskset', ['-acp', clientCore, String(process.pid)])
}

/** Starts what is to have all cores, although the client has one of its own. */
export async function onAllCores<T>(begin: () => Promise<T>): Promise<T> {
  if (!isPinned) return begin()
  const pid = String(process.pid)
  spawnSync('taskset', ['-acp', `0-${cpus().length - 1}`, pid])
  try {
    return await begin()
  } finally {
    pinClient()
  }
}

/** The command that runs something on the server's core. */
export function onCores(cores: Cores, command: readonly string[]): string[] {
  return isPinned ? ['taskset', '-c', serverCores[cores], ...command] : [...command]
}

export interface Server {
  readonly origin: string
  /** Milliseconds from the start of the process to the first response. */
  readonly startMilliseconds: number
  /** What the process and its threads have used so far; undefined if the system does not tell. */
  cpuSeconds(): number | undefined
  /** Resident memory, now or at its highest, in megabytes (10⁶ bytes). */
  memoryMegabytes(which: 'now' | 'highest'): number | undefined
  stop(): Promise<void>
}

export interface StartOptions {
  /** Node's, with the program. */
  readonly arguments: readonly string[]
  /** Where it runs, and leaves its output. */
  readonly folder: string
  /** All of it: the shell's variables may configure a server too. */
  readonly environment: Readonly<Record<string, string>>
  readonly cores: Cores
  /** Asked until it is answered with this status. */
  readonly probe: { readonly path: string; readonly body?: string; readonly status: number }
}

/** @throws if the server does not respond, with what it said */
export async function start(options: StartOptions): Promise<Server> {
  const { cores, environment, folder, probe } = options
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const [command = '', ...rest] = onCores(cores, [process.execPath, ...options.arguments])
  const output = openSync(join(folder, 'output.log'), 'a')
  const startedAt = performance.now()
  const child = spawn(command, rest, {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: String(port), ...environment },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const stop = () => stopChild(child)
  try {
    await firstAnswer(child, port, probe)
  } catch (error) {
    await stop()
    throw new Error(`It does not start: ${readFileSync(join(folder, 'output.log'), 'utf8')}`, {
      cause: error,
    })
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    startMilliseconds: performance.now() - startedAt,
    cpuSeconds: () => cpuSeconds(child.pid!),
    memoryMegabytes: (which) => memoryMegabytes(child.pid!, which),
    stop,
  }
}

/** What is made ready on a server that has started: where that fails, the server is stopped. */
export async function orStop<T>(server: Server, prepare: () => Promise<T>): Promise<T> {
  try {
    return await prepare()
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function firstAnswer(
  child: ChildProcess,
  port: number,
  { path, body, status }: StartOptions['probe'],
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
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    })
    const text = await response.text()
    if (response.status === status) return
    throw new Error(`The first answer is ${response.status}: ${text}`)
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
    // A server that hashes on its event loop may not hear it for long.
    setTimeout(() => child.kill('SIGKILL'), 12_000).unref()
  })
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
