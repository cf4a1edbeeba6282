/**
 * `npm run mutate`: applies each mutation of the table, runs the tests that should notice it, and lists what survived.
 *
 * `npm run mutate -- sessions "grace window"` takes those whose file or name contains one of the words;
 * `--changed REVISION` those whose file or tests differ from the revision; `--most N` at most so many of them, others
 * each day. `--write` writes test/mutation.md, once every mutation has been tried on the code as it is.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Mutation } from './mutation.ts'
import { mutations } from './mutations/index.ts'
import { recall, remember } from './memory.ts'
import { appliedVariable, mutationVariable } from './plugin.ts'
import { describeResults, requiredShare, share, type Result } from './report.ts'

interface Run {
  readonly isGreen: boolean
  readonly output: string
}

const root = join(import.meta.dirname, '../..')
const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
)
const longestFileMilliseconds = 120_000

const { positionals: words, values } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: 'string' },
    write: { type: 'boolean', default: false },
    most: { type: 'string' },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  },
})
const chosen = choose()
if (chosen.length === 0) {
  console.log(
    values.changed === undefined ? 'No mutation matches.' : 'No mutated file has changed.',
  )
  process.exit(values.changed === undefined ? 1 : 0)
}

// Once, or each run would find it stale and do it.
execFileSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: root, stdio: 'inherit' })
const folder = mkdtempSync(join(tmpdir(), 'latchkey-mutate-'))
// Root runs PostgreSQL as another user, who must come through.
chmodSync(folder, 0o711)
const results: Result[] = []
try {
  const unmutated = runUnmutated()
  const queue = [...chosen]
  await Promise.all(
    Array.from({ length: Number(values.jobs) }, async (_, job) => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const result = await tryMutation(next, join(folder, `applied-${job}`))
        results.push(result)
        remember(result)
        const status = result.isKilled ? 'killed  ' : next.survives ? 'survives' : 'SURVIVED'
        console.log(`${status}  ${next.file}: ${next.name}`)
        if (result.failed !== undefined) console.log(`          by ${result.failed}`)
      }
    }),
  )
  // A test that fails anyway would kill every mutation.
  const { isGreen, output } = await unmutated
  if (!isGreen) throw new Error(`The tests fail without a mutation:\n${output}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (values.write) writePage()
const surprises = results.filter(({ isKilled, mutation }) => !isKilled && !mutation.survives)
const killed = results.filter(({ isKilled }) => isKilled).length
console.log(`\n${killed} of ${results.length} mutations were killed (${share(results)} %).`)
for (const { mutation } of surprises) {
  console.log(`Survived without a reason: ${mutation.file}: ${mutation.name}`)
}
const isTooFew = chosen.length === mutations.length && share(results) < requiredShare
process.exit(surprises.length > 0 || isTooFew ? 1 : 0)

function choose(): Mutation[] {
  const changed =
    values.changed === undefined
      ? undefined
      : new Set(
          execFileSync('git', ['diff', '--name-only', values.changed], {
            cwd: root,
            encoding: 'utf8',
          }).split('\n'),
        )
  const matching = mutations.filter(
    ({ file, name, tests }) =>
      (words.length === 0 || words.some((word) => file.includes(word) || name.includes(word))) &&
      (!changed || [file, ...tests].some((path) => changed.has(path))),
  )
  return values.most === undefined ? matching : atMost(Number(values.most), matching)
}

/** Others each day, so that in time every mutation has its turn. */
function atMost(most: number, matching: readonly Mutation[]): Mutation[] {
  const day = new Date().toISOString().slice(0, 10)
  const order = (name: string) => createHash('sha256').update(`${day} ${name}`).digest('hex')
  const taken = matching
    .toSorted((one, other) => (order(one.name) < order(other.name) ? -1 : 1))
    .slice(0, most)
  console.log(`${taken.length} of ${matching.length} mutations, chosen by the date ${day}.`)
  return taken
}

function writePage(): void {
  const known = mutations.map((mutation) => ({ mutation, isKilled: recall(mutation) }))
  const tried = known.filter((each): each is Result => each.isKilled !== undefined)
  if (tried.length === mutations.length) {
    writeFileSync(join(root, 'test', 'mutation.md'), describeResults(tried))
    return
  }
  console.log('test/mutation.md was not written. Run these first:')
  for (const { mutation, isKilled } of known) {
    if (isKilled === undefined) console.log(`  ${mutation.file}: ${mutation.name}`)
  }
}

function runUnmutated(): Promise<Run> {
  return runTests([...new Set(chosen.flatMap((mutation) => mutation.tests))], {})
}

async function tryMutation(mutation: Mutation, applied: string): Promise<Result> {
  rmSync(applied, { force: true })
  const { isGreen, output } = await runTests(mutation.tests, {
    [mutationVariable]: mutation.name,
    [appliedVariable]: applied,
  })
  if (!existsSync(applied)) {
    console.error(`No test of "${mutation.name}" loads ${mutation.file}:\n${output}`)
    return { mutation, isKilled: false }
  }
  const failed = /FAIL +(.*)/.exec(output)?.[1]
  return { mutation, isKilled: !isGreen, ...(failed !== undefined && { failed }) }
}

/** Runs the files on SQLite, stopping at the first failure. */
function runTests(tests: readonly string[], env: Readonly<Record<string, string>>): Promise<Run> {
  const projects = ['unit', 'api:sqlite'].flatMap((name) => ['--project', name])
  const options = ['run', '--bail', '1', '--maxWorkers=1', '--testTimeout=60000']
  const child = spawn(process.execPath, [vitest, ...options, ...projects, ...tests], {
    cwd: root,
    // What a killed run leaves behind goes with the folder.
    env: { ...process.env, ...env, NO_COLOR: '1', TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A mutation may make a test wait for ever: that is noticed as well.
    timeout: longestFileMilliseconds * tests.length,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ isGreen: status === 0, output }))
  })
}
