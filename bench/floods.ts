/**
 * Sign-ins and `me` while many clients send what is refused, without a pause between a response and the
 * next request. Each flood is measured with 32 and with 256 connections, with the server on one core and
 * on two.
 */
import { join } from 'node:path'
import { load, postRequest, type Source } from './load.ts'
import { goal, ms, rate, ratio, type Row } from './report.ts'
import type { Settings } from './scenarios.ts'
import type { Cores } from './servers.ts'
import { always, latchkey, loginBody, personEmail, type Subject } from './subjects.ts'

/** As many as keep the hashing threads busy. */
const few = 4
/** Of another network than the sign-ins that are measured. */
const attacker = '127.66.0.1'

interface Flood {
  readonly name: string
  readonly source: (origin: string, index: number) => Source
}

const floods: readonly Flood[] = [
  {
    name: 'wrong passwords',
    source: (origin, index) => {
      const { query, variables } = loginBody(personEmail(index))
      const body = { query, variables: { ...variables, password: 'not the password of anybody' } }
      return always(postRequest(origin, '/graphql', body))
    },
  },
  {
    name: 'forged refresh tokens',
    source: (origin) =>
      always(
        postRequest(origin, '/graphql', {
          query: `mutation { refreshToken(refreshToken: "${'A'.repeat(90)}") { accessToken } }`,
        }),
      ),
  },
  {
    name: 'provider sign-ins',
    source: (origin) =>
      always(
        postRequest(origin, '/graphql', {
          query: `mutation {
            beginProviderLogin(provider: "github", redirectUri: "http://localhost:3000/callback") { flowToken }
          }`,
        }),
      ),
  },
  {
    name: 'syntax errors',
    source: (origin) => always(postRequest(origin, '/graphql', { query: '{ me { id ' })),
  },
  {
    name: 'unknown paths',
    source: (origin) => always(postRequest(origin, '/nothing-here', {})),
  },
]

/** @throws if a server does not start */
export async function measureFloods(settings: Settings, folder: string): Promise<Row[]> {
  const rows: Row[] = []
  for (const cores of ['one', 'two'] as const) {
    const unlimited = await latchkey(join(folder, `${cores}-unlimited`), cores)
    try {
      for (const clients of [32, 256])
        rows.push(await impatient(unlimited, cores, clients, settings))
    } finally {
      await unlimited.server.stop()
    }
    const limited = await latchkey(join(folder, `${cores}-limited`), cores, {
      THROTTLE: 'on',
      GITHUB_CLIENT_ID: 'bench',
      GITHUB_CLIENT_SECRET: 'the secret of the benchmark',
      REDIRECT_URIS: 'http://localhost:3000/callback',
    })
    try {
      for (const flood of floods) {
        for (const clients of [32, 256]) {
          rows.push(await flooded(limited, cores, flood, clients, settings))
        }
      }
    } finally {
      await limited.server.stop()
    }
  }
  return rows
}

/** More correct sign-ins than the queue has room for. */
async function impatient(
  subject: Subject,
  cores: Cores,
  clients: number,
  settings: Settings,
): Promise<Row> {
  const { login, server } = subject
  const sources = (count: number) => Array.from({ length: count }, (_, index) => login!(index))
  const until = { seconds: 4 * settings.seconds }
  const { acceptedPerSecond: before } = await load(server.origin, sources(few), until)
  const many = await load(server.origin, sources(clients), until, 'refusals')
  const during = many.acceptedPerSecond
  return {
    scenario: `correct sign-ins by ${clients} clients, ${onCores(cores)}`,
    latchkey: `${rate(during)} signed in, ${many.refused} refused after p99 ${ms(many.refusedP99)}`,
    beside: `${few} clients: ${rate(before)}`,
    ratio: ratio(during, before),
    goal: goal('≥ 0.9', during / before >= 0.9),
  }
}

/** Sign-ins by four clients, then `me` by four, each before and during a flood from another network. */
async function flooded(
  subject: Subject,
  cores: Cores,
  flood: Flood,
  clients: number,
  settings: Settings,
): Promise<Row> {
  const { login, me, server } = subject
  const { origin } = server
  const of = (source: (index: number) => Source, count: number) =>
    Array.from({ length: count }, (_, index) => source(index))
  const signIns = async () => {
    const until = { seconds: 2 * settings.seconds }
    return (await load(origin, of(login!, few), until, 'refusals')).acceptedPerSecond
  }
  const reads = async () =>
    // Of other accounts: each sign-in ends the oldest session of its own.
    (
      await load(
        origin,
        of((index) => me(index + few), few),
        { seconds: settings.seconds },
        'refusals',
      )
    ).acceptedPerSecond
  const before = [await signIns(), await reads()] as const
  const junk = of((index) => flood.source(origin, index), clients)
  const until = { seconds: 3 * settings.seconds + 1 }
  const flooding = load(origin, junk, until, 'refusals', attacker)
  const during = [await signIns(), await reads()] as const
  const { requestsPerSecond } = await flooding
  const [signInRatio, readRatio] = [during[0] / before[0], during[1] / before[1]]
  return {
    scenario: `${flood.name} by ${clients} clients, ${onCores(cores)}: sign-ins; \`me\``,
    latchkey: `${rate(during[0])}; ${rate(during[1])}, beside ${rate(requestsPerSecond)} of the flood`,
    beside: `idle: ${rate(before[0])}; ${rate(before[1])}`,
    ratio: `${signInRatio.toFixed(2)}; ${readRatio.toFixed(2)}`,
    goal: goal('≥ 0.9; ≥ 0.5', signInRatio >= 0.9 && readRatio >= 0.5),
  }
}

function onCores(cores: Cores): string {
  return cores === 'one' ? 'one core' : 'two cores'
}
