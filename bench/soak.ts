/**
 * Half of what a server can do, for an hour: do its memory and its connections stay as they are? SQLite
 * and PostgreSQL at once. `npm run bench -- soak`, or with `--minutes=5` for less; it is no part of a
 * whole run.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load, loadAtRate, type Outcome, type Source } from './load.ts'
import { query, startDatabaseServer } from './postgresql.ts'
import { goal, median, ms, rate } from './report.ts'
import { mixed } from './scenarios.ts'
import { latchkey, sharedByInstances, type Subject } from './subjects.ts'

/** What is looked at each minute; what does not exist for an engine is undefined. */
interface Sample {
  readonly minute: number
  readonly outcome: Outcome
  readonly memoryMegabytes: number
  readonly descriptors: number
  readonly databaseConnections: number | undefined
  readonly walMegabytes: number | undefined
}

interface Soaked {
  readonly name: string
  readonly subject: Subject
  readonly perSecond: number
  readonly sources: readonly Source[]
  readonly samples: Sample[]
  readonly observe: () => Promise<Pick<Sample, 'databaseConnections' | 'walMegabytes'>>
}

const connections = 32
const minuteSeconds = 60
/** Memory may grow by this much from the second quarter of the time to the last one. */
const allowedGrowth = 1.1

/** @returns a table of some of the minutes, and whether memory and connections are flat */
export async function measureSoak(folder: string, minutes: number): Promise<string> {
  const databases = await startDatabaseServer()
  const soaked: Soaked[] = []
  try {
    const file = join(folder, 'sqlite', 'latchkey', 'latchkey.db')
    soaked.push(
      await begin('SQLite', await latchkey(join(folder, 'sqlite')), async () => ({
        databaseConnections: undefined,
        walMegabytes: (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) / 1e6,
      })),
    )
    const url = await databases.createDatabase('soak')
    const onPostgresql = await latchkey(join(folder, 'postgresql'), 'two', {
      ...sharedByInstances,
      DATABASE_URL: url,
    })
    soaked.push(
      await begin('PostgreSQL', onPostgresql, async () => {
        const [row] = await query(
          url,
          `select count(*)::int as count from pg_stat_activity
            where datname = 'soak' and pid <> pg_backend_pid()`,
        )
        return { databaseConnections: row!['count'] as number, walMegabytes: undefined }
      }),
    )
    await Promise.all(soaked.map((one) => soak(one, minutes)))
    return report(soaked)
  } finally {
    for (const { subject } of soaked) await subject.server.stop()
    await databases.stop()
  }
}

async function begin(name: string, subject: Subject, observe: Soaked['observe']): Promise<Soaked> {
  const { me, refresh, server } = subject
  const sources: Source[] = []
  // One after the other: so many sign-ins at once would be refused.
  for (let index = 0; index < connections; index += 1) {
    sources.push(mixed(index, me(index), me(index), await refresh!(index)))
  }
  const full = await load(server.origin, sources, { seconds: 10 })
  const perSecond = Math.round(full.requestsPerSecond / 2)
  return { name, subject, perSecond, sources, samples: [], observe }
}

/** Every minute with new connections, and beside them a sign-in a second. */
async function soak(soaked: Soaked, minutes: number): Promise<void> {
  const { name, observe, perSecond, samples, sources, subject } = soaked
  const { login, server } = subject
  for (let minute = 1; minute <= minutes; minute += 1) {
    const [outcome, , observed] = await Promise.all([
      loadAtRate(server.origin, sources, perSecond, minuteSeconds),
      loadAtRate(server.origin, [login!(minute)], 1, minuteSeconds),
      sleep((minuteSeconds / 2) * 1000).then(async () => ({
        ...(await observe()),
        memoryMegabytes: server.memoryMegabytes('now') ?? Number.NaN,
        descriptors: server.openDescriptors() ?? Number.NaN,
      })),
    ])
    const sample = { minute, outcome, ...observed }
    samples.push(sample)
    console.error(`${name}, ${cells(sample).join(', ')}`)
  }
}

function report(soaked: readonly Soaked[]): string {
  const rows = soaked.flatMap(({ name, samples }) => {
    const shown = new Set(
      [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * (samples.length - 1))),
    )
    return samples
      .filter((_, index) => shown.has(index))
      .map((sample) => `| ${[name, ...cells(sample)].join(' | ')} |`)
  })
  const verdicts = soaked.map(({ name, perSecond, samples }) => {
    const quarter = (which: number) =>
      samples.slice((which * samples.length) / 4, ((which + 1) * samples.length) / 4)
    const of = (which: number, figure: (sample: Sample) => number) =>
      median(quarter(which).map(figure))
    const growth =
      of(3, (sample) => sample.memoryMegabytes) / of(1, (sample) => sample.memoryMegabytes)
    const descriptors = [1, 3].map((which) => of(which, (sample) => sample.descriptors))
    const isFlat = growth <= allowedGrowth && descriptors[1]! <= descriptors[0]! * allowedGrowth
    return `- ${name}, ${rate(perSecond)} and a sign-in a second: memory in the last quarter is ${growth.toFixed(2)} of that in the second, descriptors ${descriptors[0]} and ${descriptors[1]}; ${goal('flat', isFlat)}.`
  })
  return [
    '| | Minute | Requests: p50, p99 | Resident | Descriptors | Connections to PostgreSQL | Write-ahead log of SQLite |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...verdicts,
  ].join('\n')
}

function cells(sample: Sample): string[] {
  const { outcome } = sample
  return [
    `${sample.minute}`,
    `${outcome.requests.toLocaleString('en')}: ${ms(outcome.p50)}, ${ms(outcome.p99)}`,
    `${sample.memoryMegabytes.toFixed(0)} MB`,
    `${sample.descriptors}`,
    sample.databaseConnections === undefined ? '' : `${sample.databaseConnections}`,
    sample.walMegabytes === undefined ? '' : `${sample.walMegabytes.toFixed(1)} MB`,
  ]
}
