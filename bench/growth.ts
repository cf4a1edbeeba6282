/** How long a request takes as accounts grow in number, on both engines. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import Sqlite from 'better-sqlite3'
import { encodeRefreshToken } from '../src/core/tokens/refresh-token.ts'
import { DerivedKeys } from '../src/core/tokens/derived-keys.ts'
import { load, type Outcome, type Source } from './load.ts'
import { queryPostgresql } from '../test/support/postgresql-client.ts'
import { startDatabaseServer } from './postgresql.ts'
import { goal, medians, ms } from './report.ts'
import { interleave, type Settings } from './scenarios.ts'
import { orStop, type Server } from './servers.ts'
import {
  bcryptCost,
  loginRequest,
  meRequest,
  password,
  refreshChain,
  refreshQuery,
  send,
  startLatchkey,
} from './subjects.ts'

type Engine = 'SQLite' | 'PostgreSQL'

/** A database of some size, and those of its users who ask. */
interface Population {
  readonly engine: Engine
  readonly accounts: number
  readonly server: Server
  readonly me: Source
  readonly login: Source
  readonly refresh: Source
}

const sessionsPerAccount = 3
/** Drawn from all over the table: those who ask are not its newest pages. */
const askers = 200
const appSecret = randomBytes(32).toString('hex')

/**
 * @param accounts in rising order; PostgreSQL is measured at the first and the last
 * @returns a table: p50 and p99 of each operation at each number of accounts
 */
export async function measureGrowth(
  settings: Settings,
  folder: string,
  accounts: readonly number[],
): Promise<string> {
  const databases = await startDatabaseServer()
  const populations: Population[] = []
  try {
    for (const count of accounts) populations.push(await populate('SQLite', count, folder))
    for (const count of [accounts[0]!, accounts.at(-1)!]) {
      const url = await databases.createDatabase(`growth_${count}`)
      populations.push(await populate('PostgreSQL', count, folder, url))
    }
    return await compare(populations, settings)
  } finally {
    for (const { server } of populations) await server.stop()
    await databases.stop()
  }
}

async function compare(populations: readonly Population[], settings: Settings): Promise<string> {
  const { seconds } = settings
  const operations = ['me', 'login', 'refresh'] as const
  // One connection: what is asked for is latency, not what a queue adds to it.
  for (const { me, server } of populations) await load(server.origin, [me], { seconds: 2 })
  const samples: Map<Population, Outcome[]>[] = []
  for (const operation of operations) {
    samples.push(
      await interleave(populations, settings, (population) =>
        load(population.server.origin, [population[operation]], { seconds }),
      ),
    )
  }
  const smallest = (engine: Engine) => populations.find((one) => one.engine === engine)!
  const rows = populations.map((population) => {
    const cells = samples.map((ofOperation) => {
      const { p50, p99 } = medians(ofOperation.get(population)!)
      const times = p50 / medians(ofOperation.get(smallest(population.engine))!).p50
      return { text: `${ms(p50)}, ${ms(p99)}: ${times.toFixed(2)}`, times }
    })
    const isLargest = population.accounts === populations.at(-1)!.accounts
    return [
      `| ${population.engine}`,
      population.accounts.toLocaleString('en'),
      ...cells.map(({ text }) => text),
      `${
        isLargest
          ? goal(
              '≤ 1.2',
              cells.every(({ times }) => times <= 1.2),
            )
          : ''
      } |`,
    ].join(' | ')
  })
  return [
    `| | Accounts, with ${sessionsPerAccount} sessions each | \`me\`: p50, p99 | \`login\`: p50, p99 | \`refreshToken\`: p50, p99 | Goal |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `One connection, on which ${askers} people from all over the table ask in turn. After the colon, the ratio of the p50 to that of the same engine's smallest database. That no statement scans a table that grows is a test: \`test/api/query-plans.test.ts\`.`,
  ].join('\n')
}

async function populate(
  engine: Engine,
  accounts: number,
  folder: string,
  databaseUrl?: string,
): Promise<Population> {
  const place = join(folder, `growth-${engine}-${accounts}`)
  const server = await startLatchkey(place, 'one', {
    APP_SECRET: appSecret,
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  })
  return orStop(server, async () => {
    const people =
      databaseUrl === undefined
        ? fillSqlite(join(place, 'latchkey.db'), accounts)
        : await fillPostgresql(databaseUrl, accounts)
    return { engine, accounts, server, ...(await sourcesOf(people, server.origin)) }
  })
}

async function sourcesOf(
  people: readonly Person[],
  origin: string,
): Promise<Pick<Population, 'me' | 'login' | 'refresh'>> {
  const secrets = new DerivedKeys(appSecret)
  const asking: Buffer[] = []
  const chains: Source[] = []
  for (const { sessionId } of people) {
    const token = encodeRefreshToken({ sessionId, generation: 0 }, secrets)
    const { refreshToken: renewed } = await send(`${origin}/graphql`, {
      query: refreshQuery,
      variables: { token },
    })
    asking.push(meRequest(origin, renewed!.accessToken))
    chains.push(refreshChain(origin, renewed!.refreshToken!))
  }
  return {
    me: inTurn(asking.map((request) => () => request)),
    login: inTurn(
      people.map(
        ({ email }) =>
          () =>
            loginRequest(origin, email),
      ),
    ),
    refresh: inTurn(chains),
  }
}

/** One source after the other, each with the response to its own last request. */
function inTurn(sources: readonly Source[]): Source {
  const answers: (string | undefined)[] = []
  let turn = -1
  return (answer) => {
    if (turn >= 0) answers[turn] = answer
    turn = (turn + 1) % sources.length
    return sources[turn]!(answers[turn])
  }
}

interface Person {
  readonly email: string
  readonly sessionId: string
}

const columns = {
  users: 'id, email, email_verified, name, roles, password_hash, credential_version, created_at',
  sessions: 'id, user_id, method, generation, created_at, last_used_at, expires_at, ends_at',
}
/** 16 bytes in base64url end with one of four letters. */
const sessionId = (hexadecimal: string) => `substr(${hexadecimal}, 1, 21) || 'A'`
const monthMilliseconds = 30 * 24 * 60 * 60 * 1000

/** Set-based: a million rows take seconds. Everyone has the same password. */
function fillSqlite(file: string, accounts: number): Person[] {
  const database = new Sqlite(file, { timeout: 60_000 })
  try {
    const now = Date.now()
    const hash = hashSync(password, bcryptCost)
    database.transaction(() => {
      database
        .prepare(
          `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < :accounts)
          insert into users (${columns.users})
            select lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
                || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
              'user' || n || '@example.org', 0, 'User ' || n, '["USER"]', :hash, 0, :now
            from numbers`,
        )
        .run({ accounts, hash, now })
      database
        .prepare(
          `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < :count)
          insert into sessions (${columns.sessions})
            select ${sessionId('hex(randomblob(11))')}, users.id, 'password', 0, :now, :now, :end, :end
            from users, numbers`,
        )
        .run({ count: sessionsPerAccount, now, end: now + monthMilliseconds })
    })()
    database.pragma('wal_checkpoint(TRUNCATE)')
    return database.prepare<unknown[], Person>(peopleAsking('abs(random())')).all()
  } finally {
    database.close()
  }
}

async function fillPostgresql(url: string, accounts: number): Promise<Person[]> {
  const now = Date.now()
  const end = now + monthMilliseconds
  const rows = await queryPostgresql(
    url,
    `insert into users (${columns.users})
      select gen_random_uuid(), 'user' || n || '@example.org', false, 'User ' || n, '["USER"]',
        '${hashSync(password, bcryptCost)}', 0, ${now} from generate_series(1, ${accounts}) n`,
    `insert into sessions (${columns.sessions})
      select ${sessionId("upper(replace(gen_random_uuid()::text, '-', ''))")}, users.id, 'password', 0,
        ${now}, ${now}, ${end}, ${end} from users, generate_series(1, ${sessionsPerAccount})`,
    'vacuum analyze',
    peopleAsking('random()'),
  )
  return rows as unknown as Person[]
}

function peopleAsking(random: string): string {
  return `select email, (select min(id) from sessions where user_id = users.id) as "sessionId"
    from users where email is not null order by ${random} limit ${askers}`
}
