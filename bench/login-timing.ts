// Does the time of a refused login tell what there is of an account? `npx tsx bench/login-timing.ts [cost] [rounds]`
// One login after the other, in an order that is drawn again each round, so that what slows the machine
// down for a moment slows all kinds of account alike.
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { createApp } from '../src/app.ts'
import { loadSettings } from '../src/process/settings.ts'
import { median } from './report.ts'

const cost = Number(process.argv[2] ?? 8)
const rounds = Number(process.argv[3] ?? 500)
const warmUpRounds = 20

const folder = mkdtempSync(join(tmpdir(), 'latchkey-timing-'))
const file = join(folder, 'test.db')
const settings = loadSettings({
  PORT: '0',
  DATABASE_URL: `sqlite:${file}`,
  THROTTLE: 'off',
  LOG_LEVEL: 'silent',
})
const app = await createApp(settings, { passwordCost: cost })
const cheapApp = await createApp(settings, { passwordCost: cost - 2 })

async function send(url: string, operation: string): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: operation }),
  })
  return response.text()
}

// As long as each other, so that the text of the request is too.
const kinds = ['unknown', 'known', 'disabled', 'nopassword', 'corrupt', 'cheap'] as const
type Kind = (typeof kinds)[number]
const email = (kind: Kind) => `${kind.padEnd(10, '0')}@example.com`

for (const kind of kinds) {
  if (kind === 'unknown') continue
  const { url } = kind === 'cheap' ? cheapApp : app
  await send(
    url,
    `mutation { register(email: "${email(kind)}", password: "correct horse battery") { tokenType } }`,
  )
}
const database = new Sqlite(file, { timeout: 5000 })
const update = (kind: Kind, assignment: string) =>
  database.prepare(`update users set ${assignment} where email = ?`).run(email(kind))
update('disabled', 'disabled_at = 1')
update('nopassword', 'password_hash = null')
update('corrupt', "password_hash = 'junk'")
database.close()

const samples = Object.fromEntries(kinds.map((kind) => [kind, [] as number[]])) as Record<
  Kind,
  number[]
>
const answers = new Set<string>()
for (let round = -warmUpRounds; round < rounds; round++) {
  for (const kind of shuffle(kinds)) {
    const begin = performance.now()
    const text = await send(
      app.url,
      `mutation { login(email: "${email(kind)}", password: "not the password") { tokenType } }`,
    )
    const milliseconds = performance.now() - begin
    answers.add(text)
    if (round >= 0) samples[kind].push(milliseconds)
  }
}
await app.close()
await cheapApp.close()
rmSync(folder, { recursive: true })
if (answers.size !== 1) throw new Error('The answers differ')

console.log(
  `Refused logins at cost ${cost}, ${rounds} of each kind, against those of an unknown address:`,
)
console.table(
  Object.fromEntries(
    kinds.map((kind) => [
      kind,
      {
        'median ms': median(samples[kind]).toFixed(3),
        difference: `${((median(samples[kind]) / median(samples.unknown) - 1) * 100).toFixed(2)} %`,
        'Mann-Whitney p':
          kind === 'unknown' ? '' : mannWhitney(samples[kind], samples.unknown).toFixed(3),
      },
    ]),
  ),
)

function shuffle<T>(list: readonly T[]): T[] {
  const shuffled = [...list]
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = randomInt(index + 1)
    const kept = shuffled[index]!
    shuffled[index] = shuffled[other]!
    shuffled[other] = kept
  }
  return shuffled
}

/** Two-sided p by the normal approximation, good from some twenty samples on; times hardly ever tie. */
function mannWhitney(one: readonly number[], other: readonly number[]): number {
  const ranked = [
    ...one.map((value) => ({ value, isOne: true })),
    ...other.map((value) => ({ value, isOne: false })),
  ].toSorted((left, right) => left.value - right.value)
  const rankSum = ranked.reduce((sum, { isOne }, index) => (isOne ? sum + index + 1 : sum), 0)
  const u = rankSum - (one.length * (one.length + 1)) / 2
  const mean = (one.length * other.length) / 2
  const deviation = Math.sqrt((mean * (one.length + other.length + 1)) / 6)
  return 2 * (1 - normal(Math.abs(u - mean) / deviation))
}

/** The standard normal distribution function (Abramowitz and Stegun 26.2.17). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const tail = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.31938153].reduce(
    (sum, factor) => (sum + factor) * t,
    0,
  )
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail
}
