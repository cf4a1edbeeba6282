/** What is measured: rounds in which each subject has its turn, so that what else the machine does meets all alike. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { load, loadAtRate, type Outcome, type Source } from './load.ts'
import { describe, goal, megabytes, medians, median, ms, rate, ratio, type Row } from './report.ts'
import { onCores } from './servers.ts'
import {
  bare,
  bcryptCost,
  betterAuth,
  handWritten,
  latchkey,
  startLatchkey,
  type Subject,
} from './subjects.ts'

export interface Settings {
  readonly rounds: number
  /** Of one sample. */
  readonly seconds: number
  readonly mixSeconds: number
  readonly memoryRequests: number
}

/** `me`, `protected`, `login`, `refreshToken` and `me` at a constant rate, all servers on one core. */
export async function measureOperations(
  settings: Settings,
  folder: string,
  onFailure: (what: string, error: unknown) => void,
): Promise<Row[]> {
  // Without it there is nothing to set the others beside.
  const subjects: Subject[] = [await latchkey(folder)]
  const add = async (what: string, begin: () => Promise<Subject | Subject[]>) => {
    try {
      subjects.push(...[await begin()].flat())
    } catch (error) {
      onFailure(what, error)
    }
  }
  const rows: Row[] = []
  try {
    await add('the bare server', () => bare(folder))
    await add('the hand-written server', () => handWritten(folder))
    await add('better-auth', () => betterAuth(folder))
    for (const { me, server } of subjects) {
      await load(server.origin, connections(me, 32), { seconds: Math.min(4, settings.seconds) })
    }
    const sections: [string, () => Promise<Row[]>][] = [
      ['`me`', () => compareMe(subjects, settings)],
      ['`protected`', () => compareProtected(subjects, settings)],
      ['`login`', () => compareLogin(subjects, settings)],
      ['`refreshToken`', () => compareRefresh(subjects, settings)],
      ['`me` at a constant rate', () => compareAtRate(subjects, settings)],
      ['the mix', () => measureMix(subjects, settings)],
    ]
    for (const [what, measure] of sections) {
      try {
        rows.push(...(await measure()))
      } catch (error) {
        onFailure(what, error)
      }
    }
  } finally {
    for (const { server } of subjects) await server.stop()
  }
  return rows
}

async function compareMe(subjects: readonly Subject[], settings: Settings): Promise<Row[]> {
  const samples = await interleave(subjects, settings, ({ me, server }) =>
    load(server.origin, connections(me, 32), { seconds: settings.seconds }),
  )
  const aims: Record<string, (ratio: number) => string> = {
    'bare, HS256': (of) => goal('≥ 0.6', of >= 0.6),
    'hand-written': (of) => goal('> 1', of > 1),
    'better-auth': (of) => goal('≥ 5', of >= 5),
  }
  return besides('`me`, 32 connections', samples, aims)
}

async function compareProtected(subjects: readonly Subject[], settings: Settings): Promise<Row[]> {
  const those = subjects.filter((subject) => subject.protected)
  const samples = await interleave(those, settings, (subject) =>
    load(subject.server.origin, connections(subject.protected!, 32), {
      seconds: settings.seconds,
    }),
  )
  return besides('`protected`, 32 connections', samples, {})
}

/** Beside what bcryptjs does with no server around it. */
async function compareLogin(subjects: readonly Subject[], settings: Settings): Promise<Row[]> {
  const those = subjects.filter((subject) => subject.login)
  const alone: number[] = []
  const seconds = Math.max(2, settings.seconds)
  const samples = await interleave(those, settings, async (subject) => {
    if (subject === those[0]) alone.push(bcryptjsAlone(seconds))
    return load(subject.server.origin, connections(subject.login!, 8), { seconds })
  })
  const ours = medians(samples.get(those[0]!)!)
  const reference = median(alone)
  return [
    {
      scenario: '`login`, 8 connections',
      latchkey: describe(ours),
      beside: `bcryptjs alone: ${rate(reference)}`,
      ratio: ratio(ours.rps, reference),
      goal: goal('≥ 0.9', ours.rps / reference >= 0.9),
    },
    ...besides('`login`, 8 connections', samples, {}),
  ]
}

async function compareRefresh(subjects: readonly Subject[], settings: Settings): Promise<Row[]> {
  const those = subjects.filter((subject) => subject.refresh)
  const samples = await interleave(those, settings, async (subject) => {
    const chains = await Promise.all(
      Array.from({ length: 8 }, (_, index) => subject.refresh!(index)),
    )
    return load(subject.server.origin, chains, { seconds: settings.seconds })
  })
  return besides('`refreshToken` in chains, 8 connections', samples, {
    'bare, HS256': (of) => goal('≥ 0.5', of >= 0.5),
  })
}

/** Open loop, at half of what Latchkey does in the closed one. */
async function compareAtRate(subjects: readonly Subject[], settings: Settings): Promise<Row[]> {
  const ours = subjects[0]!
  const full = await load(ours.server.origin, connections(ours.me, 32), {
    seconds: settings.seconds,
  })
  const perSecond = Math.round(full.requestsPerSecond / 2)
  // better-auth cannot take so many.
  const those = subjects.filter(({ name }) => name !== 'better-auth')
  const samples = await interleave(those, settings, ({ me, server }) =>
    loadAtRate(server.origin, connections(me, 64), perSecond, settings.seconds),
  )
  const figures = medians(samples.get(ours)!)
  return [...samples]
    .filter(([{ name }]) => name !== ours.name)
    .map(([{ name }, outcomes]) => {
      const theirs = medians(outcomes)
      return {
        scenario: `\`me\` at a constant ${rate(perSecond)} (open loop): p50, p99`,
        latchkey: `${ms(figures.p50)}, ${ms(figures.p99)}`,
        beside: `${name}: ${ms(theirs.p50)}, ${ms(theirs.p99)}`,
        ratio: ratio(figures.p99, theirs.p99),
      }
    })
}

/** 90 % `me`, 8 % `refreshToken`, 2 % `login`. */
async function measureMix(subjects: readonly Subject[], settings: Settings): Promise<Row[]> {
  const { login, me, refresh, server } = subjects[0]!
  const sources: Source[] = []
  // One after the other: so many sign-ins at once would be refused.
  for (let index = 0; index < 32; index += 1) {
    sources.push(mixed(index, me(index), login!(index), await refresh!(index)))
  }
  const outcome = await load(server.origin, sources, { seconds: settings.mixSeconds }, 'refusals')
  return [
    {
      scenario: `90 % \`me\`, 8 % \`refreshToken\`, 2 % \`login\` for ${settings.mixSeconds} s, 32 connections`,
      latchkey: `${describe({ rps: outcome.requestsPerSecond, p99: outcome.p99 })}, p50 ${ms(outcome.p50)}, ${outcome.refused} refused`,
    },
  ]
}

/** @param offset where in the cycle of 50 it starts */
function mixed(offset: number, me: Source, login: Source, chain: Source): Source {
  let renewal = chain(undefined)
  let isRenewing = false
  let turn = offset
  return (answer) => {
    if (isRenewing) renewal = chain(answer)
    turn = (turn + 1) % 50
    isRenewing = [1, 13, 25, 37].includes(turn)
    if (isRenewing) return renewal
    return turn === 0 ? login(undefined) : me(undefined)
  }
}

/** `me` while four others sign in without pause, the hashing on a second core. */
export async function measureStorm(
  settings: Settings,
  folder: string,
  onFailure: (what: string, error: unknown) => void,
): Promise<Row[]> {
  const rows: Row[] = []
  const { seconds } = settings
  for (const [name, begin] of [
    ['Latchkey', latchkey],
    ['hand-written', handWritten],
    ['better-auth', betterAuth],
  ] as const) {
    try {
      const { login, me, server } = await begin(join(folder, 'storm'), 'two')
      try {
        await load(server.origin, connections(me, 8), { seconds: Math.min(3, seconds) })
        const idle: Outcome[] = []
        const storm: Outcome[] = []
        const signIns: Outcome[] = []
        for (let round = 0; round < settings.rounds; round += 1) {
          idle.push(await load(server.origin, connections(me, 8), { seconds }))
          const both = await Promise.all([
            load(server.origin, connections(me, 8), { seconds }),
            load(server.origin, connections(login!, 4), { seconds }, 'refusals'),
          ])
          storm.push(both[0])
          signIns.push(both[1])
        }
        const [alone, under, logins] = [medians(idle), medians(storm), medians(signIns)]
        const isOurs = name === 'Latchkey'
        const figures = `${describe(under)} (${rate(logins.rps)} sign-ins)`
        const scenario =
          '`me`, 8 connections, while 4 others sign in, two cores; beside the same without them'
        rows.push({
          scenario: isOurs ? scenario : `the same, ${name}`,
          latchkey: isOurs ? figures : '',
          beside: isOurs ? `idle: ${describe(alone)}` : `${figures}; idle: ${describe(alone)}`,
          ratio: `${ratio(under.rps, alone.rps)}; p99 ${ratio(under.p99, alone.p99)}`,
          ...(isOurs && {
            goal: goal('≥ 0.6, p99 < 2', under.rps / alone.rps >= 0.6 && under.p99 / alone.p99 < 2),
          }),
        })
      } finally {
        await server.stop()
      }
    } catch (error) {
      onFailure(`\`me\` under a storm of sign-ins, ${name}`, error)
    }
  }
  return rows
}

/** From the start of the process to the first response: on an empty folder, then on what that left. */
export async function measureStarts(settings: Settings, folder: string): Promise<Row[]> {
  const rows: Row[] = []
  for (const cores of ['one', 'two'] as const) {
    const first: number[] = []
    const again: number[] = []
    // What the first start of all writes next to the build stays for all others.
    for (let round = -1; round < settings.rounds; round += 1) {
      for (const list of [first, again]) {
        const server = await startLatchkey(join(folder, `start-${cores}-${round}`), cores)
        if (round >= 0) list.push(server.startMilliseconds)
        await server.stop()
      }
    }
    rows.push({
      scenario: `Start to first answer, ${cores} core${cores === 'one' ? '' : 's'}: empty folder; existing database`,
      latchkey: `${ms(median(first))}; ${ms(median(again))}`,
      goal: goal('< 700 ms', median(first) < 700 && median(again) < 700),
    })
  }
  return rows
}

/** Resident memory of a server of its own. */
export async function measureMemory(settings: Settings, folder: string): Promise<Row[]> {
  const fresh = await startLatchkey(join(folder, 'fresh'))
  const afterStart = fresh.memoryMegabytes('now')
  await fresh.stop()
  const { me, server } = await latchkey(folder)
  try {
    const requests = settings.memoryRequests
    const after: (number | undefined)[] = []
    for (let half = 0; half < 2; half += 1) {
      await load(server.origin, connections(me, 32), { requests: requests / 2 })
      after.push(server.memoryMegabytes('now'))
    }
    const count = (part: number) => (requests * part).toLocaleString('en')
    return [
      {
        scenario: `Resident memory: after start; after 8 sign-ups and ${count(0.5)} \`me\`; after ${count(1)}; highest`,
        latchkey: [afterStart, ...after, server.memoryMegabytes('highest')]
          .map(megabytes)
          .join('; '),
        goal: goal('< 130 MB after start', (afterStart ?? Number.NaN) < 130),
      },
    ]
  } finally {
    await server.stop()
  }
}

export function connections<S>(of: (index: number) => S, count: number): S[] {
  return Array.from({ length: count }, (_, index) => of(index))
}

export async function interleave<S>(
  subjects: readonly S[],
  settings: Settings,
  sample: (subject: S) => Promise<Outcome>,
): Promise<Map<S, Outcome[]>> {
  const samples = new Map<S, Outcome[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const subject of subjects) samples.get(subject)!.push(await sample(subject))
  }
  return samples
}

/** A row for each that stands next to the first. */
function besides(
  scenario: string,
  samples: ReadonlyMap<Subject, readonly Outcome[]>,
  aims: Readonly<Record<string, (ratio: number) => string>>,
): Row[] {
  const [ours, ...others] = [...samples].map(([{ name }, outcomes]) => ({
    name,
    figures: medians(outcomes),
  }))
  return others.map(({ name, figures }) => {
    const aim = aims[name]?.(ours!.figures.rps / figures.rps)
    return {
      scenario,
      latchkey: describe(ours!.figures),
      beside: `${name}: ${describe(figures)}`,
      ratio: ratio(ours!.figures.rps, figures.rps),
      ...(aim !== undefined && { goal: aim }),
    }
  })
}

/** Verifications a second with no server around them. */
export function bcryptjsAlone(seconds: number): number {
  const program = join(import.meta.dirname, 'peers', 'bcryptjs-alone.mjs')
  const [command = '', ...rest] = onCores('one', [
    process.execPath,
    program,
    String(seconds),
    String(bcryptCost),
  ])
  return Number(spawnSync(command, rest, { encoding: 'utf8' }).stdout)
}
