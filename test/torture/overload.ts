import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Client } from '../support/client.ts'
import { percentiles, quantile, residentBytes } from './figures.ts'
import { answerOf } from './answer.ts'
import type { Lab, Report, Scenario } from './lab.ts'

/** As many sign-ins at once as keep the threads busy. */
const few = 4
/** More than may wait for a thread, however many processors there are. */
const many = 40 * availableParallelism()
/** Dear enough that the hash is what there is too little of. */
const env = { BCRYPT_COST: '9' }
/** Of the goodput at capacity. A short run judges no figure, only what is accepted and what is refused. */
const leastGoodput = 0.9
const longRounds = 30
/** Refusals are held when there are too many (docs/adr/0041): the longest that one may be, and some. */
const slowestRefusalMilliseconds = 3500
const recoveryMilliseconds = 5000
/** V8 takes what it may before it collects: below this, growth says nothing. */
const smallBytes = 250 * 1024 * 1024
const retryPauseMilliseconds = 250

interface Phase {
  readonly goodput: number
  readonly waits: readonly number[]
  readonly refusals: readonly number[]
}

export const overload = overloadOn('all cores')

/** Where refusals and hashes share their core. */
export const overloadOnOneCore = overloadOn('one core')

function overloadOn(cores: 'all cores' | 'one core'): Scenario {
  const isPinned = cores === 'one core'
  return {
    name: isPinned ? 'overload-on-one-core' : 'overload',
    shows: `A server on ${cores} that is sent many times what it can do keeps its rate of sign-ins, refuses the rest after a pause, and recovers.`,
    engines: ['sqlite', 'postgresql'],
    // Each a second of overload.
    rounds: { short: 5, long: 60 },
    ...(isPinned && { needs: ['taskset'] }),
    run: (lab) => run(lab, isPinned ? ['taskset', '-c', '0'] : []),
  }
}

async function run(lab: Lab, wrapper: readonly string[]): Promise<Report> {
  const instance = await lab.start(await lab.createDatabase(), { env, wrapper })
  const { client, pid } = instance
  const { email, password } = await client.register()
  // Of another account: a user has a hundred sessions at most.
  const { accessToken } = await client.register()
  const violations: string[] = []
  const load = (clients: number, milliseconds: number) =>
    signIn(client, {
      clients,
      milliseconds,
      email,
      password,
      wrong: (text) => violations.push(text),
    })

  const seconds = Math.max(3, lab.rounds / 4) * 1000
  await load(few, 1000)
  const before = await load(few, seconds)
  const bytesBefore = residentBytes(pid)
  const reading = new AbortController()
  const reads = read(client.as(accessToken), reading.signal)
  const during = await load(many, lab.rounds * 1000)
  reading.abort()
  const bytesDuring = residentBytes(pid)
  await sleep(recoveryMilliseconds)
  const after = await load(few, seconds)

  if (before.waits.length === 0) violations.push('nobody is signed in')
  if (during.waits.length === 0) violations.push('nobody is signed in any more')
  if (during.refusals.length === 0) violations.push('nothing was refused')
  if (lab.rounds >= longRounds) violations.push(...judgeFigures(before, during, after))
  if (bytesDuring > Math.max(smallBytes, 1.5 * bytesBefore)) {
    violations.push(`the memory grew from ${bytesBefore} to ${bytesDuring} bytes`)
  }
  if (after.refusals.length > 0) violations.push('afterwards somebody is refused')
  if (after.waits.length === 0) violations.push('afterwards nobody is signed in')
  const { failures, waits } = await reads
  if (failures > 0) violations.push(`who was signed in was refused ${failures} times`)
  return {
    counts: {
      'sign-ins a second': [before, during, after].map(({ goodput }) => goodput).join(', '),
      refused: during.refusals.length,
      'refusal, ms': percentiles(during.refusals),
      'me meanwhile, ms': percentiles(waits),
      'sign-in, ms': [before, after].map(({ waits: list }) => percentiles(list)).join('; '),
      'memory, MiB': [bytesBefore, bytesDuring].map((bytes) => bytes >> 20).join(', '),
    },
    violations,
  }
}

/** What takes a minute, and a machine with nothing else to do. */
function judgeFigures(before: Phase, during: Phase, after: Phase): string[] {
  const least = leastGoodput * before.goodput
  const violations: string[] = []
  if (during.goodput < least) {
    violations.push(`the goodput fell from ${before.goodput} to ${during.goodput} a second`)
  }
  if (after.goodput < least) {
    violations.push(`afterwards there are ${after.goodput} a second, not ${before.goodput}`)
  }
  const slowest = quantile(during.refusals, 0.99)
  if (slowest > slowestRefusalMilliseconds) {
    violations.push(`one in a hundred refusals took longer than ${slowest} ms`)
  }
  return violations
}

/** Clients that each sign in as soon as they have a response; those who are refused wait a moment. */
async function signIn(
  client: Client,
  options: {
    readonly clients: number
    readonly milliseconds: number
    readonly email: string
    readonly password: string
    readonly wrong: (text: string) => void
  },
): Promise<Phase> {
  const { clients, email, milliseconds, password, wrong } = options
  const waits: number[] = []
  const refusals: number[] = []
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() - startedAt < milliseconds) {
        const askedAt = performance.now()
        // As it came: what took too long is masked, and a refusal all the same.
        const answer = await client.login(email, password).catch(() => undefined)
        const took = performance.now() - askedAt
        if (answer?.data?.login) {
          // What ends later was done while the others had stopped.
          if (performance.now() - startedAt <= milliseconds) waits.push(took)
        } else if (isRefusal(answer)) {
          refusals.push(took)
          await sleep(retryPauseMilliseconds)
        } else wrong(`a sign-in is answered with ${answer?.status} ${answer?.text}`)
      }
    }),
  )
  const goodput = Math.round((waits.length / milliseconds) * 10_000) / 10
  return { goodput, waits, refusals }
}

function isRefusal(answer: Answer | undefined): boolean {
  const isShed = answer?.status === 429 || answer?.status === 503
  return isShed && Number(answer.headers.get('retry-after')) > 0
}

/** Someone who has signed in before, and does not want to wait for all that. */
async function read(person: Pick<Client, 'send'>, signal: AbortSignal) {
  const waits: number[] = []
  let failures = 0
  while (!signal.aborted) {
    const askedAt = performance.now()
    const answer = await answerOf(person.send('{ me { id } }'))
    waits.push(performance.now() - askedAt)
    if (answer === undefined || answer.errors) failures += 1
    await sleep(20)
  }
  return { failures, waits }
}
