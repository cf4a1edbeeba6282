/** The servers that are set side by side, each with users who have signed in, and how it is spoken to. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { postRequest, type Source } from './load.ts'
import { orStop, start, type Cores, type Server } from './servers.ts'

const root = join(import.meta.dirname, '..')
const peers = join(import.meta.dirname, 'peers')

/** A brief run is there to show that all of it runs. */
export const bcryptCost = process.argv.includes('--quick') ? 8 : 12
export const password = 'a password for the benchmark'
const people = 8

/** What instances of one service share: on PostgreSQL there is no file with a secret. */
export const sharedByInstances = {
  APP_SECRET: 'a secret that only the benchmark of this repository uses',
  TOKEN_ISSUER: 'https://login.example.com',
}

/** One server and what can be asked of it; what it does not have is left out. */
export interface Subject {
  readonly name: string
  readonly server: Server
  /** Sources of requests, for one connection each: who is asking is `index`. */
  readonly me: (index: number) => Source
  readonly protected?: (index: number) => Source
  readonly login?: (index: number) => Source
  /** A chain: each request takes the token that the last one gave. */
  readonly refresh?: (index: number) => Promise<Source>
}

const meQuery = '{ me { id email name roles } }'
export const refreshQuery =
  'mutation ($token: String!) { refreshToken(refreshToken: $token) { accessToken refreshToken } }'

export function personEmail(index: number): string {
  return `person${index % people}@example.com`
}

/** What `npm start` gives Node and its environment, so that the same is measured. */
export function startCommand(): {
  readonly flags: string[]
  readonly environment: Record<string, string>
} {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  const words = scripts.start.split(' ')
  const environment = Object.fromEntries(
    words.flatMap((word) => {
      const [name = '', value] = word.split('=')
      // Paths in it are relative to the root.
      return /^[A-Z_]+$/.test(name) && value !== undefined ? [[name, join(root, value)]] : []
    }),
  )
  return { flags: words.filter((word) => word.startsWith('--')), environment }
}

/**
 * Latchkey as `npm start` runs it, with every check on but the limit on attempts.
 * @param folder keeps database, secret and log; a second start in it finds the first one's database
 * @param environment variables next to those of the bench, or in their place
 */
export function startLatchkey(
  folder: string,
  cores: Cores = 'one',
  environment: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const command = startCommand()
  return start({
    arguments: [...command.flags, join(root, 'dist', 'main.js')],
    folder,
    environment: {
      ...command.environment,
      DATABASE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
      LOG_LEVEL: 'info',
      THROTTLE: 'off',
      // Longer than the bench runs.
      ACCESS_TOKEN_LIFETIME: '2h',
      BCRYPT_COST: String(bcryptCost),
      ...environment,
    },
    cores,
    probe: { path: '/graphql', body: '{"query":"{ providers { id } }"}', status: 200 },
  })
}

export async function latchkey(
  folder: string,
  cores: Cores = 'one',
  environment: Readonly<Record<string, string>> = {},
): Promise<Subject> {
  const server = await startLatchkey(join(folder, 'latchkey'), cores, environment)
  const { origin } = server
  const tokens = await orStop(server, () => registerPeople(`${origin}/graphql`))
  return {
    name: 'Latchkey',
    server,
    ...graphqlSources(origin, '/graphql', tokens),
    refresh: async (index) => {
      const { login } = await send(
        `${origin}/graphql`,
        loginBody(personEmail(index), 'accessToken refreshToken'),
      )
      return refreshChain(origin, login!.refreshToken!)
    },
  }
}

/** The chain of one session of Latchkey. */
export function refreshChain(origin: string, first: string): Source {
  let token = first
  return (answer) => {
    if (answer !== undefined) {
      token = (JSON.parse(answer) as Answer).data['refreshToken']!.refreshToken!
    }
    return postRequest(origin, '/graphql', { query: refreshQuery, variables: { token } })
  }
}

/** HS256 by node:crypto, or EdDSA by jose. */
export async function bare(folder: string): Promise<[hs256: Subject, eddsa: Subject]> {
  const file = join(folder, 'bare.db')
  const secret = randomBytes(32).toString('base64url')
  mkdirSync(folder, { recursive: true })
  const database = new Sqlite(file)
  database.pragma('journal_mode = WAL')
  database.exec(`create table users (id text primary key, email text, name text, roles text);
    create table sessions (id text primary key, user_id text, generation integer)`)
  const insert = database.prepare('insert into users values (?, ?, ?, ?)')
  const ids = Array.from({ length: people }, (_, index) => {
    const id = randomUUID()
    insert.run(id, personEmail(index), 'A Person', '["USER"]')
    return id
  })
  database.close()
  const server = await start({
    // Says nothing new to a Node that strips types by itself.
    arguments: ['--experimental-strip-types', join(peers, 'bare.ts')],
    folder: join(folder, 'bare'),
    environment: { BENCH_DATABASE: file, BENCH_SECRET: secret },
    cores: 'one',
    probe: { path: '/', body: '{}', status: 401 },
  })
  const { origin } = server
  const exp = Math.floor(Date.now() / 1000) + 7200
  const hs256 = ids.map((sub) => signHs256({ sub, exp }, secret))
  const eddsa = await orStop(server, () =>
    Promise.all(
      ids.map(async (userId) => (await post(`${origin}/eddsa/token`, { userId })).accessToken),
    ),
  )
  const me = (path: string, tokens: readonly string[]) => (index: number) =>
    always(postRequest(origin, path, { query: meQuery }, tokens[index % people]))
  return [
    {
      name: 'bare, HS256',
      server,
      me: me('/hs256', hs256),
      refresh: async (index) => {
        const userId = ids[index % people]
        const { refreshToken } = await post(`${origin}/session`, { userId })
        return always(postRequest(origin, '/refresh', { refreshToken }))
      },
    },
    { name: 'bare, EdDSA by jose', server, me: me('/eddsa', eddsa) },
  ]
}

export async function handWritten(folder: string, cores: Cores = 'one'): Promise<Subject> {
  const server = await start({
    arguments: [join(peers, 'hand-written.mjs')],
    folder: join(folder, 'hand-written'),
    environment: peerEnvironment(folder, 'hand-written'),
    cores,
    probe: { path: '/', body: '{"query":"{ __typename }"}', status: 200 },
  })
  const tokens = await orStop(server, () => registerPeople(server.origin))
  return { name: 'hand-written', server, ...graphqlSources(server.origin, '/', tokens) }
}

export async function betterAuth(folder: string, cores: Cores = 'one'): Promise<Subject> {
  const server = await start({
    arguments: [join(peers, 'better-auth.mjs')],
    folder: join(folder, 'better-auth'),
    environment: peerEnvironment(folder, 'better-auth'),
    cores,
    probe: { path: '/api/auth/ok', status: 200 },
  })
  const { origin } = server
  const tokens = await orStop(server, async () => {
    const given: string[] = []
    for (let index = 0; index < people; index += 1) {
      const person = { email: personEmail(index), password, name: 'A Person' }
      const response = await postJson(`${origin}/api/auth/sign-up/email`, person)
      const token = response.headers.get('set-auth-token')
      if (token === null) throw new Error(await response.text())
      given.push(token)
    }
    return given
  })
  return {
    name: 'better-auth',
    server,
    me: (index) => always(getRequest(origin, '/api/auth/get-session', tokens[index % people]!)),
    login: (index) =>
      always(
        postRequest(origin, '/api/auth/sign-in/email', { email: personEmail(index), password }),
      ),
  }
}

function peerEnvironment(folder: string, name: string): Record<string, string> {
  return {
    BENCH_DATABASE: join(folder, `${name}.db`),
    BENCH_SECRET: randomBytes(32).toString('base64url'),
    BENCH_COST: String(bcryptCost),
  }
}

function graphqlSources(origin: string, path: string, tokens: readonly string[]) {
  const asked = (query: string) => (index: number) =>
    always(postRequest(origin, path, { query }, tokens[index % people]))
  return {
    me: asked(meQuery),
    protected: asked('{ protected }'),
    login: (index: number) => always(postRequest(origin, path, loginBody(personEmail(index)))),
  }
}

export function meRequest(origin: string, accessToken: string): Buffer {
  return postRequest(origin, '/graphql', { query: meQuery }, accessToken)
}

export function loginRequest(origin: string, email: string): Buffer {
  return postRequest(origin, '/graphql', loginBody(email))
}

export function loginBody(email: string, selection = 'accessToken') {
  return {
    query: `mutation ($email: String!, $password: String!) {
      login(email: $email, password: $password) { ${selection} }
    }`,
    variables: { email, password },
  }
}

async function registerPeople(url: string): Promise<string[]> {
  const tokens: string[] = []
  for (let index = 0; index < people; index += 1) {
    const email = personEmail(index)
    const { register } = await send(url, {
      query: `mutation ($email: String!, $password: String!) {
        register(email: $email, password: $password, name: "A Person") { accessToken }
      }`,
      variables: { email, password },
    })
    tokens.push(register!.accessToken)
  }
  return tokens
}

interface Tokens {
  readonly accessToken: string
  readonly refreshToken?: string
}

interface Answer {
  readonly data: Readonly<Record<string, Tokens>>
}

/** @returns the data of a GraphQL response */
export async function send(url: string, body: object): Promise<Answer['data']> {
  const text = await (await postJson(url, body)).text()
  const { data, errors } = JSON.parse(text) as Answer & { errors?: unknown }
  if (errors !== undefined) throw new Error(text)
  return data
}

async function post(url: string, body: object): Promise<Tokens> {
  return (await (await postJson(url, body)).json()) as Tokens
}

function postJson(url: string, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    // better-auth takes fetch for a browser, and wants to know whence it comes.
    headers: { 'content-type': 'application/json', origin: new URL(url).origin },
    body: JSON.stringify(body),
  })
}

export function always(request: Buffer): Source {
  return () => request
}

function getRequest(origin: string, path: string, token: string): Buffer {
  return Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      `host: ${new URL(origin).host}`,
      'accept: application/json',
      `authorization: Bearer ${token}`,
      '',
      '',
    ].join('\r\n'),
  )
}

function signHs256(claims: object, secret: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
