/**
 * `npm run mutate`: applies each mutation of the table, runs the tests that should notice it, and lists what survived.
 *
 * `npm run mutate -- sessions "grace window"` takes those whose file or name contains one of the words;
 * `--changed REVISION` those whose file or tests differ from the revision; `--untried` those that have not been tried on
 * the code as it is; `--most N` at most so many of them, others each day. `--write` writes test/mutation.md, once every
 * mutation has been tried on the code as it is.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Mutation } from './mutation.ts'
import { mutations } from './mutations/index.ts'
import { recall, remember } from './memory.ts'
import { appliedVariable, mutationVariable } from './plugin.ts'
import { describeResults, requiredShare, share, type Result } from './report.ts'
import { runTests } from './test-run.ts'

const root = join(import.meta.dirname, '../..')

const { positionals: words, values } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: 'string' },
    untried: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    most: { type: 'string' },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  },
})
const chosen = choose()
if (chosen.length === 0) {
  console.log('There is no mutation to try.')
  if (values.write) writePage()
  process.exit(words.length > 0 && !values.untried && values.changed === undefined ? 1 : 0)
}

// Once, or each run would find it stale and do it.
execFileSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: root, stdio: 'inherit' })
const folder = mkdtempSync(join(tmpdir(), 'latchkey-mutate-'))
// Root runs PostgreSQL as another user, who must come through.
chmodSync(folder, 0o711)
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    process.exitCode = 128 + constants.signals[name]
    stop.abort(new Error(`Stopped by ${name}.`))
  })
}
const results: Result[] = []
const queue = [...chosen]
const work = [
  verifyUnmutated(),
  ...Array.from({ length: Number(values.jobs) }, (_, job) =>
    tryNext(join(folder, `applied-${job}`)),
  ),
]
for (const part of work) part.catch((error: unknown) => stop.abort(error))
await Promise.allSettled(work)
// Now no test runs that could write into it.
rmSync(folder, { recursive: true, force: true })
if (stop.signal.aborted) {
  console.error(String(stop.signal.reason))
  process.exit(process.exitCode ?? 1)
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
  const wanted = matching.filter((each) => !values.untried || recall(each) === undefined)
  return values.most === undefined ? wanted : atMost(Number(values.most), wanted)
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

/** @throws Error when a test fails without a mutation: it would kill every one */
async function verifyUnmutated(): Promise<void> {
  const tests = new Set(chosen.flatMap((mutation) => mutation.tests))
  const { isGreen, output } = await run([...tests])
  if (!isGreen) throw new Error(`The tests fail without a mutation:\n${output}`)
}

/** @param applied a file of this job alone */
async function tryNext(applied: string): Promise<void> {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const startedAt = performance.now()
    const result = await tryMutation(next, applied)
    results.push(result)
    remember(result)
    const status = result.isKilled ? 'killed  ' : next.survives ? 'survives' : 'SURVIVED'
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0).padStart(3)
    console.log(`${status} ${seconds} s  ${next.file}: ${next.name}`)
    if (result.failed !== undefined) console.log(`                by ${result.failed}`)
  }
}

async function tryMutation(mutation: Mutation, applied: string): Promise<Result> {
  rmSync(applied, { force: true })
  const { isGreen, output } = await run(mutation.tests, {
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

function run(tests: readonly string[], env: Readonly<Record<string, string>> = {}) {
  // What a killed run leaves behind goes with the folder.
  return runTests(tests, { env: { ...env, TMPDIR: folder }, signal: stop.signal })
}
