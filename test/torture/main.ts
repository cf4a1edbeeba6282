/**
 * `npm run torture`: the long form of what test/torture shows, with its counts printed.
 * `npm run torture -- kill-under-writes --rounds 10 --seed 7 --engine sqlite` runs a part of it.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { has, hintOf } from '../support/needs.ts'
import { engines, Laboratory, needsOf, type Engine, type Report, type Scenario } from './lab.ts'
import { scenarios } from './scenarios.ts'

const root = join(import.meta.dirname, '../..')
const shownViolations = 20

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    seed: { type: 'string' },
    engine: { type: 'string' },
  },
})
const chosen = scenarios.filter(
  ({ name }) => positionals.length === 0 || positionals.includes(name),
)
const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name))
if (
  unknown.length > 0 ||
  (values.engine !== undefined && !engines.includes(values.engine as Engine))
) {
  console.error(
    [
      'Usage: npm run torture -- [scenario ...] [--rounds N] [--seed S] [--engine sqlite|postgresql]',
      '',
      ...scenarios.map(({ name, shows }) => `  ${name.padEnd(22)} ${shows}`),
    ].join('\n'),
  )
  process.exit(1)
}

// The build that `npm start` serves.
const build = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--if-stale'], {
  stdio: 'inherit',
})
if (build.status !== 0) throw new Error('The build failed')

const seed = Number(values.seed ?? Date.now() % 1_000_000)
const laboratory = new Laboratory()
let failures = 0
try {
  for (const scenario of chosen) {
    for (const engine of scenario.engines) {
      if (values.engine !== undefined && values.engine !== engine) continue
      failures += await runOne(scenario, engine)
    }
  }
} finally {
  await laboratory.close()
}
process.exit(failures === 0 ? 0 : 1)

/** @returns 1 if it failed */
async function runOne(scenario: Scenario, engine: Engine): Promise<number> {
  const rounds = values.rounds === undefined ? scenario.rounds.long : Number(values.rounds)
  console.log(`\n${scenario.name} on ${engine}, ${rounds} rounds, seed ${seed}`)
  const lacks = needsOf(scenario, engine).filter((need) => !has(need))
  if (lacks.length > 0) {
    for (const need of lacks) console.log(`  not run: ${need} is missing (${hintOf(need)})`)
    return 0
  }
  const startedAt = performance.now()
  const report: Report = await laboratory.run(scenario, { engine, seed, rounds, progress })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  for (const [name, count] of Object.entries(report.counts)) console.log(`  ${name}: ${count}`)
  console.log(`  seconds: ${Math.round((performance.now() - startedAt) / 1000)}`)
  console.log(`  violations: ${report.violations.length}`)
  for (const violation of report.violations.slice(0, shownViolations))
    console.log(`    ${violation}`)
  return report.violations.length === 0 ? 0 : 1
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K  ${text}`)
}
