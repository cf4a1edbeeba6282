/** Runs test files for a mutation, in a process group that ends as a whole. */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface TestRun {
  readonly isGreen: boolean
  readonly output: string
}

export interface TestRunOptions {
  readonly env: Readonly<Record<string, string>>
  /** Kills the run, which then rejects. */
  readonly signal: AbortSignal
}

const root = join(import.meta.dirname, '../..')
const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
)
const longestFileMilliseconds = 120_000

/**
 * Runs the files on SQLite and stops at the first failure.
 * @returns once no process of the run is left
 */
export async function runTests(
  tests: readonly string[],
  options: TestRunOptions,
): Promise<TestRun> {
  const projects = ['unit', 'api:sqlite'].flatMap((name) => ['--project', name])
  const flags = ['run', '--bail', '1', '--maxWorkers=1', '--testTimeout=60000']
  // A mutation may make a test wait forever: the test run that times out is not green.
  const timeout = AbortSignal.timeout(longestFileMilliseconds * tests.length)
  options.signal.throwIfAborted()
  const child = spawn(process.execPath, [vitest, ...flags, ...projects, ...tests], {
    cwd: root,
    env: { ...process.env, ...options.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // The leader of a group, so that its workers can be killed with it.
    detached: true,
  })
  const ended = AbortSignal.any([timeout, options.signal])
  const killGroup = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  ended.addEventListener('abort', killGroup)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  ended.removeEventListener('abort', killGroup)
  options.signal.throwIfAborted()
  return { isGreen: status === 0, output }
}
