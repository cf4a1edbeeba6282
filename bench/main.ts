/**
 * `npm run bench`: Latchkey beside other servers, in one run, as ratios. Prints one table and keeps it
 * as bench/RESULTS.md. `-- --quick` runs all of it once, briefly, and keeps nothing; `-- growth` (or
 * `operations`, `storm`, `starts`, `memory`, `install`, `deployments`) runs a part.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { npmSettings } from '../test/support/npm.ts'
import { measureDeployments } from './deployments.ts'
import { measureGrowth } from './growth.ts'
import { measureInstall } from './install-size.ts'
import { page, table, type Row } from './report.ts'
import {
  measureMemory,
  measureOperations,
  measureStarts,
  measureStorm,
  type Settings,
} from './scenarios.ts'
import { pinClient } from './servers.ts'

const root = join(import.meta.dirname, '..')
const peers = join(import.meta.dirname, 'peers')

const isQuick = process.argv.includes('--quick')
const parts = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const settings: Settings = isQuick
  ? { rounds: 1, seconds: 1, mixSeconds: 3, memoryRequests: 5000 }
  : { rounds: 3, seconds: 4, mixSeconds: 60, memoryRequests: 100_000 }
const accounts = isQuick ? [200, 10_000] : [200, 1000, 100_000, 1_000_000]

const startedAt = performance.now()
const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
const rows: Row[] = []
/** By title. */
const sections = new Map<string, string>()

/** One part that fails is a row that says so; the others continue. */
const fail = (what: string, error: unknown) => {
  const message = error instanceof Error ? error.message : String(error)
  console.error(`${what}:`, error)
  rows.push({ scenario: what, latchkey: `failed: ${message.split('\n', 1)[0]!.slice(0, 120)}` })
}

async function part(name: string, measure: () => Promise<Row[]> | Row[]): Promise<void> {
  if (parts.length > 0 && !parts.includes(name)) return
  console.error(`${name} …`)
  try {
    rows.push(...(await measure()))
  } catch (error) {
    fail(name, error)
  }
}

try {
  // The build that `npm start` serves.
  run('build', [process.execPath, join(root, 'scripts', 'build.mjs')], root)
  if (!areInstalled()) {
    try {
      run('peers', ['npm', 'ci', '--ignore-scripts'], peers)
    } catch (error) {
      fail('the install of the peers', error)
    }
  }
  await part('install', () => measureInstall(join(folder, 'install')))
  pinClient()
  await part('starts', () => measureStarts(settings, folder))
  await part('operations', () => measureOperations(settings, join(folder, 'operations'), fail))
  await part('storm', () => measureStorm(settings, folder, fail))
  await part('memory', () => measureMemory(settings, join(folder, 'memory')))
  await part('deployments', async () => {
    const text = await measureDeployments(settings, join(folder, 'deployments'))
    sections.set('Several processes, and PostgreSQL', text)
    return []
  })
  await part('growth', async () => {
    sections.set('How cost grows', await measureGrowth(settings, folder, accounts))
    return []
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const text = page(rows, sections, {
  ...settings,
  minutes: (performance.now() - startedAt) / 60_000,
})
console.log(
  parts.length > 0
    ? [...(rows.length > 0 ? [table(rows)] : []), ...sections.values()].join('\n\n')
    : text,
)
// What is kept is of a whole run.
if (!isQuick && parts.length === 0) {
  const file = join(root, 'bench', 'RESULTS.md')
  writeFileSync(file, text)
  run('The format', ['npx', 'oxfmt', file], root)
}

/** As their lock file has them by now. */
function areInstalled(): boolean {
  const installed = join(peers, 'node_modules', '.package-lock.json')
  const changedAt = (file: string) => statSync(file).mtimeMs
  return (
    existsSync(installed) && changedAt(installed) >= changedAt(join(peers, 'package-lock.json'))
  )
}

function run(what: string, [command = '', ...rest]: string[], cwd: string): void {
  const { status } = spawnSync(command, rest, {
    cwd,
    env: { ...process.env, ...npmSettings },
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error(`${what}: exit status ${status}`)
}
