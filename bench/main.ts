/**
 * `npm run bench`: Latchkey beside a bare server, in one run, as ratios. Prints one table and keeps it
 * as bench/RESULTS.md. `npm run bench -- me` runs what concerns `me` alone.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, type, release } from 'node:os'
import { join } from 'node:path'
import {
  loginAt,
  meAt,
  measureMemory,
  measureStarts,
  refreshAt,
  startSubjects,
  type Sample,
} from './scenarios.ts'
import { isPinned, pinClient } from './servers.ts'

const root = join(import.meta.dirname, '..')
const rounds = 3
const secondsPerSample = 5
const memoryRequests = 100_000

type Row = readonly [scenario: string, latchkey: string, beside: string, ratio: string]

const onlyMe = process.argv[2] === 'me'
const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
try {
  // The build that `npm start` serves.
  const build = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], {
    stdio: 'inherit',
  })
  if (build.status !== 0) throw new Error('The build failed')
  pinClient()
  const rows = [...(await measureMe()), ...(onlyMe ? [] : await measureRest())]
  const text = report(rows)
  console.log(text)
  if (!onlyMe) writeFileSync(join(root, 'bench', 'RESULTS.md'), text)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Interleaved, so that what else the machine does meets both alike. */
async function measureMe(): Promise<Row[]> {
  const subjects = await startSubjects('dist', join(folder, 'subjects'))
  const until = { seconds: secondsPerSample }
  const latchkey: Sample[] = []
  const bare: Sample[] = []
  const idle: Sample[] = []
  const storm: Sample[] = []
  const stormLogins: Sample[] = []
  const login: Sample[] = []
  const refresh: Sample[] = []
  try {
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await meAt(subjects.bare, 32, until))
      latchkey.push(await meAt(subjects.latchkey, 32, until))
      idle.push(await meAt(subjects.latchkey, 8, until))
      const [inStorm, stormLogin] = await Promise.all([
        meAt(subjects.latchkey, 8, until),
        loginAt(subjects.latchkey, 8, until, 'refusals'),
      ])
      storm.push(inStorm)
      stormLogins.push(stormLogin)
      if (onlyMe) continue
      login.push(await loginAt(subjects.latchkey, 8, until))
      refresh.push(await refreshAt(subjects.latchkey, 8, until))
    }
  } finally {
    await subjects.latchkey.server.stop()
    await subjects.bare.server.stop()
  }
  const [ours, theirs, alone, under] = [latchkey, bare, idle, storm].map(medians) as [
    Figures,
    Figures,
    Figures,
    Figures,
  ]
  const rows: Row[] = [
    [
      '`me`, 32 connections: requests per second',
      whole(ours.rps),
      `bare: ${whole(theirs.rps)}`,
      ratio(ours.rps, theirs.rps),
    ],
    [
      '`me`, 32 connections: p50',
      ms(ours.p50),
      `bare: ${ms(theirs.p50)}`,
      ratio(ours.p50, theirs.p50),
    ],
    [
      '`me`, 32 connections: p99',
      ms(ours.p99),
      `bare: ${ms(theirs.p99)}`,
      ratio(ours.p99, theirs.p99),
    ],
    [
      '`me`, 8 connections, while 8 others sign in: requests per second',
      whole(under.rps),
      `idle: ${whole(alone.rps)}`,
      ratio(under.rps, alone.rps),
    ],
    [
      '`me`, 8 connections, while 8 others sign in: p99',
      ms(under.p99),
      `idle: ${ms(alone.p99)}`,
      ratio(under.p99, alone.p99),
    ],
  ]
  const answered = stormLogins.map(({ requests, refused }) => requests - refused)
  rows.push([
    `Sign-ins in that storm, in ${secondsPerSample} s: answered; refused`,
    `${median(answered)}; ${median(stormLogins.map(({ refused }) => refused))}`,
    '',
    '',
  ])
  if (onlyMe) return rows
  const [signIns, renewals] = [medians(login), medians(refresh)]
  return [
    ...rows,
    [
      '`login`, 8 connections: per second; p99',
      `${signIns.rps.toFixed(1)}; ${ms(signIns.p99)}`,
      '',
      '',
    ],
    [
      '`refreshToken` in chains, 8 connections: per second; p99',
      `${whole(renewals.rps)}; ${ms(renewals.p99)}`,
      '',
      '',
    ],
  ]
}

async function measureRest(): Promise<Row[]> {
  const first: number[] = []
  const again: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const starts = await measureStarts('dist', join(folder, `start${round}`))
    first.push(starts.first)
    again.push(starts.again)
  }
  const memory = await measureMemory('dist', join(folder, 'memory'), memoryRequests)
  return [
    [
      'Start to first answer: empty folder; existing database',
      `${ms(median(first))}; ${ms(median(again))}`,
      '',
      '',
    ],
    [
      `Resident memory: after start; after ${memoryRequests.toLocaleString('en')} \`me\`; highest`,
      [memory.afterStart, memory.afterRequests, memory.highest].map(megabytes).join('; '),
      '',
      '',
    ],
  ]
}

interface Figures {
  readonly rps: number
  readonly p50: number
  readonly p99: number
}

function medians(samples: readonly Sample[]): Figures {
  return {
    rps: median(samples.map((sample) => sample.requestsPerSecond)),
    p50: median(samples.map((sample) => sample.p50)),
    p99: median(samples.map((sample) => sample.p99)),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}

function report(rows: readonly Row[]): string {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const versions = [
    '@apollo/server',
    'graphql',
    'type-graphql',
    'fastify',
    'jose',
    'better-sqlite3',
  ]
    .map((name) => `${name} ${dependencies[name]}`)
    .join(', ')
  const model = cpus()[0]?.model.trim() ?? 'unknown'
  const pinning = isPinned
    ? 'the server with all its threads on one core, the client on another'
    : 'server and client not kept apart'
  return [
    '# Results',
    '',
    `Written by \`npm run bench\`. ${cpus().length} × ${model}, ${type()} ${release()}, Node ${process.versions.node}; ${pinning}.`,
    `${versions}. SQLite with \`synchronous=FULL\`, EdDSA, bcrypt cost 12, log at \`info\` into a file, \`THROTTLE=off\`.`,
    `Medians of ${rounds} interleaved rounds of ${secondsPerSample} s after a warm-up, closed loop. The bare server verifies an HS256`,
    'token with `node:crypto` and reads the user by primary key: no GraphQL, no session, no checks, no log.',
    '',
    '| Scenario | Latchkey | Beside it | Ratio |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n')
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`
}

function ratio(value: number, reference: number): string {
  return (value / reference).toFixed(2)
}

function megabytes(value: number | undefined): string {
  return value === undefined ? 'unknown' : `${Math.round(value)} MB`
}
