/** The server as `npm start` runs it, compiled, in a process and a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atEndOfFile } from './at-end-of-file.ts'
import { compileCache } from './environment.ts'
import { removeFolder } from './remove-folder.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
export const isRoot = process.getuid?.() === 0

export interface ServerProcess {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** The log so far, with that of its workers. */
  readonly log: () => Record<string, unknown>[]
  /** Where it listens; rejects when it ends before. */
  readonly ready: Promise<string>
  /** Its exit status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** A folder for the server to start in, removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-start-'))
  atEndOfFile(() => removeFolder(folder))
  return folder
}

/** What starts a process as the same user, who owns the checkout, without root's licence to pass over modes. */
export function boundByModes(): string[] {
  if (!isRoot) return []
  const without = '-dac_override,-dac_read_search'
  return ['setpriv', `--bounding-set=${without}`, `--inh-caps=${without}`, '--']
}

/**
 * Starts the server, killed after the file's tests.
 * @param options.isBound file modes bind it even when the tests run as root, which takes setpriv
 * @param options.main another compiled entry file
 * @param options.imports modules to load before it
 * @param options.stdout an open file that gets its output; it is `ready` for no one then
 */
export function startProcess(
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  options: {
    readonly isBound?: boolean
    readonly main?: string
    readonly imports?: readonly string[]
    readonly stdout?: number
  } = {},
): ServerProcess {
  const command = [
    process.execPath,
    '--enable-source-maps',
    ...(options.imports ?? []).flatMap((name) => ['--import', name]),
    options.main ?? join(root, 'dist', 'main.js'),
  ]
  if (options.isBound === true) command.unshift(...boundByModes())
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: compileCache,
      PORT: '0',
      ...env,
    },
    stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
  })
  atEndOfFile(async () => {
    if (child.exitCode !== null || child.signalCode !== null || !child.kill('SIGKILL')) return
    await once(child, 'exit')
  })
  const output = { stdout: '', stderr: '' }
  const ready = Promise.withResolvers<string>()
  // No one may be waiting for it.
  ready.promise.catch(() => {})
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output.stdout += chunk
    const url = /listening on (https?:\S+)\n[^]*\n\n/.exec(output.stdout)?.[1]
    if (url !== undefined) ready.resolve(url)
  })
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    output.stderr += chunk
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => {
      ready.reject(new Error(`The server has ended (${status ?? signal}):\n${output.stderr}`))
      resolve(status ?? signal!)
    })
  })
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    log: () =>
      output.stdout
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    ready: ready.promise,
    ended,
  }
}
