/** What is measured: each scenario is one load on one server, or two loads at once. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { load, postRequest, type Outcome, type Source, type Until } from './load.ts'
import {
  password,
  people,
  personEmail,
  startBare,
  startLatchkey,
  type Person,
  type Server,
} from './servers.ts'

/** An outcome with what the server's process, workers included, and the client's spent on it. */
export interface Sample extends Outcome {
  readonly serverMicrosecondsPerRequest: number | undefined
  /** Shares of one core. */
  readonly serverBusy: number | undefined
  readonly clientBusy: number
}

/** Both servers, with people to be. */
export interface Subjects {
  readonly latchkey: { readonly server: Server; readonly people: readonly Person[] }
  readonly bare: { readonly server: Server; readonly people: readonly Person[] }
}

const meQuery = '{ me { id email name roles } }'
const warmUpSeconds = 4

export async function startSubjects(dist: string, folder: string): Promise<Subjects> {
  const bare = await startBare(join(folder, 'bare'))
  const server = await startLatchkey(dist, join(folder, 'latchkey'))
  const subjects = { bare, latchkey: { server, people: await registerPeople(server) } }
  for (const subject of [subjects.bare, subjects.latchkey]) {
    await load(subject.server.origin, meSources(subject, 32), { seconds: warmUpSeconds })
  }
  return subjects
}

export function meAt(
  subject: Subjects['latchkey'],
  connections: number,
  until: Until,
): Promise<Sample> {
  return sample(subject.server, meSources(subject, connections), until)
}

/** Signs in, again and again, with the right password. */
export function loginAt(
  subject: Subjects['latchkey'],
  connections: number,
  until: Until,
  tolerates: 'nothing' | 'refusals' = 'nothing',
): Promise<Sample> {
  const { origin } = subject.server
  const sources = Array.from({ length: connections }, (_, index) => {
    const request = postRequest(origin, '/graphql', loginBody(personEmail(index % people)))
    return () => request
  })
  return sample(subject.server, sources, until, tolerates)
}

/** One session for each connection, its refresh tokens one after the other. */
export async function refreshAt(
  subject: Subjects['latchkey'],
  connections: number,
  until: Until,
): Promise<Sample> {
  const { origin } = subject.server
  const query =
    'mutation ($token: String!) { refreshToken(refreshToken: $token) { accessToken refreshToken } }'
  const tokens = await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const data = await send(origin, loginBody(personEmail(index % people)))
      return data['login']!.refreshToken!
    }),
  )
  const sources = tokens.map((first): Source => {
    let token = first
    return (answer) => {
      if (answer !== undefined) {
        token = (JSON.parse(answer) as Answer).data['refreshToken']!.refreshToken!
      }
      return postRequest(origin, '/graphql', { query, variables: { token } })
    }
  })
  return sample(subject.server, sources, until)
}

/** Milliseconds to the first answer: on an empty folder, then on the database of that first start. */
export async function measureStarts(
  dist: string,
  folder: string,
): Promise<{ first: number; again: number }> {
  const milliseconds: number[] = []
  for (let start = 0; start < 2; start += 1) {
    const server = await startLatchkey(dist, folder)
    milliseconds.push(server.startMilliseconds)
    await server.stop()
  }
  await rm(folder, { recursive: true })
  return { first: milliseconds[0]!, again: milliseconds[1]! }
}

export interface Memory {
  readonly requests: number
  readonly afterStart: number | undefined
  readonly afterRequests: number | undefined
  readonly highest: number | undefined
}

/** Resident memory of a server of its own, which has signed people in and then answered `me`. */
export async function measureMemory(
  dist: string,
  folder: string,
  requests: number,
): Promise<Memory> {
  const server = await startLatchkey(dist, folder)
  try {
    const afterStart = server.memoryMegabytes('now')
    const subject = { server, people: await registerPeople(server) }
    await load(server.origin, meSources(subject, 32), { requests })
    return {
      requests,
      afterStart,
      afterRequests: server.memoryMegabytes('now'),
      highest: server.memoryMegabytes('highest'),
    }
  } finally {
    await server.stop()
  }
}

function meSources(subject: Subjects['latchkey'], connections: number): Source[] {
  const { origin } = subject.server
  return Array.from({ length: connections }, (_, index) => {
    const { accessToken } = subject.people[index % people]!
    const request = postRequest(origin, '/graphql', { query: meQuery }, accessToken)
    return () => request
  })
}

async function sample(
  server: Server,
  sources: readonly Source[],
  until: Until,
  tolerates: 'nothing' | 'refusals' = 'nothing',
): Promise<Sample> {
  const serverCpuBefore = server.cpuSeconds()
  const clientCpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const outcome = await load(server.origin, sources, until, tolerates)
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(clientCpuBefore)
  const serverCpu =
    serverCpuBefore === undefined ? undefined : server.cpuSeconds()! - serverCpuBefore
  return {
    ...outcome,
    serverMicrosecondsPerRequest: serverCpu && (serverCpu * 1e6) / outcome.requests,
    serverBusy: serverCpu && serverCpu / seconds,
    clientBusy: (user + system) / 1e6 / seconds,
  }
}

interface Answer {
  readonly data: Readonly<
    Record<string, { readonly accessToken: string; readonly refreshToken?: string }>
  >
}

async function registerPeople(server: Server): Promise<Person[]> {
  const list: Person[] = []
  for (let index = 0; index < people; index += 1) {
    const email = personEmail(index)
    const data = await send(server.origin, {
      query: `mutation ($email: String!, $password: String!) {
        register(email: $email, password: $password, name: "A Person") { accessToken }
      }`,
      variables: { email, password },
    })
    list.push({ email, accessToken: data['register']!.accessToken })
  }
  return list
}

function loginBody(email: string) {
  return {
    query: `mutation ($email: String!, $password: String!) {
      login(email: $email, password: $password) { accessToken refreshToken }
    }`,
    variables: { email, password },
  }
}

async function send(origin: string, body: object): Promise<Answer['data']> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  const { data, errors } = JSON.parse(text) as Answer & { errors?: unknown }
  if (errors) throw new Error(text)
  return data
}
