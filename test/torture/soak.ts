import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../support/client.ts'
import { percentiles, quantile, residentBytes, sum } from './figures.ts'
import { answerOf } from './answer.ts'
import type { LabDatabase, Scenario } from './lab.ts'

const people = 8
/** So short that a long run has swept many. */
const env = { SESSION_IDLE_LIFETIME: '1m' }
/**
 * Of so many requests one makes an account that is never used again. Anyone who signs in over and over has a
 * hundred sessions at most, of which each makes room before its end.
 */
const requestsPerNewcomer = 50
const newcomer = 'Newcomer'
/** DATABASE_POOL_SIZE's default: more are open only where some are lost to the pool. */
const poolSize = 10
/** Two rounds of sweeping, and some time for each. */
const sweptAfterMilliseconds = 150_000
/** Of files and sockets, clients that come and go. */
const fewFiles = 2 * people
/** V8 takes its share in the first minutes; beyond this, memory may grow by a mebibyte in ten minutes. */
const slackMebibytes = { long: 24, short: 96 }
const longRounds = 1800
const warmUpFraction = 0.2
/** REL-16: of the last ten minutes of an hour, measured by the first after the warm-up. */
const judgedFraction = 1 / 6
const slowerFactor = 1.1

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
    let newcomers = 0
    const over = new AbortController()
    const users = Array.from({ length: people }, () =>
      use(client, over.signal, {
        waited: (at, took) => void waits.push({ at, took }),
        leftSession: () => void (newcomers += 1),
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
        mebibytes: residentBytes(pid) >> 20,
        files: readdirSync(`/proc/${pid}/fd`).length,
        connections: await countConnections(database),
      })
      lab.progress(`${second} s, ${samples.at(-1)!.mebibytes} MiB`)
    }
    const endedAt = performance.now()
    const overdue = await countOverdue(database)
    const left = await countLeft(database)
    over.abort()
    await Promise.all(users)
    const stuck = await countStuck(database)

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
    if (connections.most > poolSize)
      violations.push(`${connections.most} connections to the database`)
    if (stuck > 0) violations.push(`${stuck} connections are in use when nobody asks`)
    const isLong = lab.rounds >= longRounds
    const slack = slackMebibytes[isLong ? 'long' : 'short'] + lab.rounds / 600
    if (growth > slack) violations.push(`the memory grew by ${growth} MiB`)
    if (overdue > 0) violations.push(`${overdue} sessions are there long after their end`)
    // In a short run no session comes to its end.
    if (isLong && left >= newcomers) violations.push('of the sessions that were left, none is gone')
    const judged = judgedFraction * (endedAt - startedAt)
    const warmAt = startedAt + warmUpFraction * (endedAt - startedAt)
    const p99 = (from: number) =>
      quantile(
        waits.filter(({ at }) => at >= from && at < from + judged).map(({ took }) => took),
        0.99,
      )
    const [early, late] = [p99(warmAt), p99(endedAt - judged)]
    if (isLong && late > slowerFactor * early)
      violations.push(`one in a hundred took ${early} ms at first, ${late} ms in the end`)
    const middle = (startedAt + endedAt) / 2
    const took = (isLate: boolean) =>
      percentiles(waits.filter(({ at }) => at > middle === isLate).map((wait) => wait.took))
    return {
      counts: {
        requests: waits.length,
        'first half, ms': took(false),
        'second half, ms': took(true),
        'memory, MiB': `${range('mebibytes').least} to ${range('mebibytes').most}, grown by ${growth.toFixed(1)}`,
        files: `${files.least} to ${files.most}`,
        'p99 early and late, ms': `${early}, ${late}`,
        'sessions left to their end': `${newcomers}, of which ${left} are there`,
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
  told: {
    waited(at: number, took: number): void
    leftSession(): void
    wrong(text: string): void
  },
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
    if (count % requestsPerNewcomer === 0) {
      await client.register({ name: newcomer }).then(told.leftSession, (error: unknown) => {
        told.wrong(String(error))
      })
    }
    // Half of the load that they would be without a rest.
    await sleep(took)
  }
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

/** Sessions of those who came once. */
async function countLeft({ query }: LabDatabase): Promise<number> {
  const [row] = await query(`select count(*) as n from sessions
    where user_id in (select id from users where name = '${newcomer}')`)
  return Number(row!['n'])
}

/** Connections that no one has given back: a sweep that is under way has some seconds to end. */
async function countStuck({ engine, query }: LabDatabase): Promise<number> {
  if (engine === 'sqlite') return 0
  let stuck = 0
  for (let look = 0; look < 50; look += 1) {
    const [row] = await query(`select count(*) as n from pg_stat_activity
      where datname = current_database() and application_name = 'latchkey' and state <> 'idle'`)
    stuck = Number(row!['n'])
    if (stuck === 0) break
    await sleep(100)
  }
  return stuck
}
