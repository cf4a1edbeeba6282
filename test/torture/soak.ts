import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../support/client.ts'
import { percentiles, sum } from './figures.ts'
import { answerOf } from './journal.ts'
import type { LabDatabase, Scenario } from './lab.ts'

const people = 8
/** So short that a long run has swept many. */
const env = { SESSION_IDLE_LIFETIME: '1m' }
/** Two rounds of sweeping, and some time for each. */
const sweptAfterMilliseconds = 150_000
/** Of files and sockets, clients that come and go. */
const fewFiles = 2 * people
/** V8 takes its share in the first minutes; beyond this, memory may grow by a mebibyte in ten minutes. */
const slackMebibytes = { long: 24, short: 96 }
const longRounds = 1800
const warmUpFraction = 0.2

interface Sample {
  readonly mebibytes: number
  readonly files: number
  readonly connections: number
}

export const soak: Scenario = {
  name: 'soak',
  shows:
    'A long time at half load leaves memory, files and connections as they were, and no row for good.',
  engines: ['sqlite', 'postgresql'],
  // Each a second.
  rounds: { short: 8, long: 3600 },
  async run(lab) {
    const database = await lab.createDatabase()
    const { client, pid } = await lab.start(database, { env })
    const violations: string[] = []
    const waits: { readonly at: number; readonly took: number }[] = []
    const over = new AbortController()
    const users = Array.from({ length: people }, () =>
      use(client, over.signal, {
        waited: (at, took) => void waits.push({ at, took }),
        wrong: (text) => void violations.push(text),
      }),
    )
    const startedAt = performance.now()
    const samples: Sample[] = []
    for (let second = 0; second < lab.rounds; second += 1) {
      await sleep(1000)
      const isSampled = second >= warmUpFraction * lab.rounds
      if (!isSampled || (lab.rounds > 60 && second % 10 !== 0)) continue
      samples.push({
        mebibytes: residentMebibytes(pid),
        files: readdirSync(`/proc/${pid}/fd`).length,
        connections: await countConnections(database),
      })
      lab.progress(`${second} s, ${samples.at(-1)!.mebibytes} MiB`)
    }
    const overdue = await countOverdue(database)
    over.abort()
    await Promise.all(users)

    const range = (name: keyof Sample) => {
      const values = samples.map((sample) => sample[name])
      return { least: Math.min(...values), most: Math.max(...values) }
    }
    const files = range('files')
    const connections = range('connections')
    const third = Math.ceil(samples.length / 3)
    const mean = (part: readonly Sample[]) => sum(part.map((s) => s.mebibytes)) / part.length
    const growth = mean(samples.slice(-third)) - mean(samples.slice(0, third))
    if (files.most - files.least > fewFiles)
      violations.push(`${files.least} to ${files.most} files`)
    if (connections.most > 10) violations.push(`${connections.most} connections to the database`)
    const slack = slackMebibytes[lab.rounds < longRounds ? 'short' : 'long'] + lab.rounds / 600
    if (growth > slack) violations.push(`the memory grew by ${growth} MiB`)
    if (overdue > 0) violations.push(`${overdue} sessions are there long after their end`)
    const middle = (startedAt + performance.now()) / 2
    const took = (isLate: boolean) =>
      percentiles(waits.filter(({ at }) => at > middle === isLate).map((wait) => wait.took))
    return {
      counts: {
        requests: waits.length,
        'first half, ms': took(false),
        'second half, ms': took(true),
        'memory, MiB': `${range('mebibytes').least} to ${range('mebibytes').most}, grown by ${growth.toFixed(1)}`,
        files: `${files.least} to ${files.most}`,
        connections: `${connections.least} to ${connections.most}`,
      },
      violations,
    }
  },
}

/** Signs in, looks, refreshes, and leaves some sessions to their end. */
async function use(
  client: Client,
  signal: AbortSignal,
  told: { waited(at: number, took: number): void; wrong(text: string): void },
): Promise<void> {
  const { email, password, ...first } = await client.register()
  let tokens: { accessToken: string; refreshToken: string } = first
  const requests = [
    () => client.as(tokens.accessToken).send('{ me { email sessions { id } } }'),
    () => client.refresh(tokens.refreshToken),
    () => client.login(email, password),
  ]
  for (let count = 0; !signal.aborted; count += 1) {
    const at = performance.now()
    const answer = await answerOf(requests[count % requests.length]!())
    const took = performance.now() - at
    told.waited(at, took)
    tokens = answer?.data?.refreshToken ?? tokens
    if (answer === undefined || answer.errors)
      told.wrong(`a request is answered with ${answer?.text}`)
    // Half of the load that they would be without a rest.
    await sleep(took)
  }
}

function residentMebibytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]
  return Number(kibibytes) >> 10
}

async function countConnections({ engine, query }: LabDatabase): Promise<number> {
  if (engine === 'sqlite') return 0
  const [row] = await query(`select count(*) as n from pg_stat_activity
    where datname = current_database() and application_name = 'latchkey'`)
  return Number(row!['n'])
}

async function countOverdue({ query }: LabDatabase): Promise<number> {
  const [row] = await query(
    `select count(*) as n from sessions where expires_at < ${Date.now() - sweptAfterMilliseconds}`,
  )
  return Number(row!['n'])
}
