/** Rows, figures and the page that is made of them. */
import { spawnSync } from 'node:child_process'
import { readFileSync, existsSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import type { Outcome } from './load.ts'
import { isPinned } from './servers.ts'
import { bcryptCost, startCommand } from './subjects.ts'

export interface Row {
  readonly scenario: string
  readonly latchkey: string
  readonly beside?: string
  readonly ratio?: string
  /** What was aimed at, and whether it was reached. */
  readonly goal?: string
}

export interface Figures {
  readonly rps: number
  readonly p50: number
  readonly p99: number
  readonly refused: number
  readonly refusedP99: number
}

export function medians(outcomes: readonly Outcome[]): Figures {
  const of = (figure: (outcome: Outcome) => number) => median(outcomes.map(figure))
  return {
    rps: of((outcome) => outcome.requestsPerSecond),
    p50: of((outcome) => outcome.p50),
    p99: of((outcome) => outcome.p99),
    refused: of((outcome) => outcome.refused),
    refusedP99: of((outcome) => outcome.refusedP99),
  }
}

/** Between the two in the middle of an even number; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (index: number) => sorted[index] ?? Number.NaN
  return (at(Math.floor((sorted.length - 1) / 2)) + at(Math.floor(sorted.length / 2))) / 2
}

/** `4,321/s, p99 8.7 ms` */
export function describe({ rps, p99 }: Pick<Figures, 'rps' | 'p99'>): string {
  return `${rate(rps)}, p99 ${ms(p99)}`
}

export function rate(value: number): string {
  return `${value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en')}/s`
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`
}

export function megabytes(value: number | undefined): string {
  return value === undefined ? 'unknown' : `${Math.round(value)} MB`
}

export function ratio(value: number, reference: number): string {
  return (value / reference).toFixed(2)
}

/** @returns the goal, and whether the figure reaches it */
export function goal(text: string, isReached: boolean): string {
  return `${text}: ${isReached ? 'yes' : '**no**'}`
}

export function table(rows: readonly Row[]): string {
  return [
    '| Scenario | Latchkey | Beside it | Ratio | Goal |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      ({ scenario, latchkey, beside = '', ratio: of = '', goal: aim = '' }) =>
        `| ${[scenario, latchkey, beside, of, aim].join(' | ')} |`,
    ),
  ].join('\n')
}

/** The page, with the machine and the versions in words. */
export function page(
  rows: readonly Row[],
  sections: ReadonlyMap<string, string>,
  settings: { readonly rounds: number; readonly seconds: number; readonly minutes: number },
): string {
  const root = join(import.meta.dirname, '..')
  const { flags } = startCommand()
  const model = cpus()[0]?.model.trim() ?? 'unknown'
  const ours = [
    '@apollo/server',
    'graphql',
    'type-graphql',
    'fastify',
    'jose',
    'better-sqlite3',
    'bcryptjs',
  ]
  const theirs = ['@apollo/server', 'jose', 'jsonwebtoken', 'better-auth']
  const kernel = spawnSync('uname', ['-m']).stdout?.toString().trim()
  return `# Results

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}, in ${settings.minutes.toFixed(0)} minutes. ${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} ${kernel}, Node ${process.versions.node}.
Latchkey runs on ${versions(root, ours)}. Of their own the others have ${versions(join(root, 'bench', 'peers'), theirs)}.

${
  isPinned
    ? 'Each server has one core with all its threads, and the client another one; where a row says two cores, the server has a second one for its hashing.'
    : 'Server and client could not be kept on cores of their own.'
}
Medians of ${settings.rounds} interleaved rounds of ${settings.seconds} s after a warm-up, closed loop unless a row says otherwise.
Latchkey runs as \`npm start\` runs it (\`${flags.join(' ')}\`) on SQLite with \`synchronous=FULL\`, EdDSA, log at \`info\` into a file, every check on but \`THROTTLE=off\`.
Every server hashes with bcryptjs at cost ${bcryptCost}. What the others are, their files in [peers/](peers) say.

${table(rows)}
${Array.from(sections, ([title, text]) => `\n## ${title}\n\n${text}\n`).join('')}`
}

/** @param folder whose own installation is looked at */
function versions(folder: string, names: readonly string[]): string {
  return names.map((name) => `${name} ${versionOf(folder, name)}`).join(', ')
}

function versionOf(folder: string, name: string): string {
  const file = join(folder, 'node_modules', name, 'package.json')
  if (!existsSync(file)) return '(not installed)'
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
