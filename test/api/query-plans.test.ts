// What a request asks of the database must not take longer the more users there are: the statements
// of a whole life of requests are collected from the driver and explained on tables with many rows.
import Sqlite from 'better-sqlite3'
import { Client as PostgresqlClient } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { linkWith, openidVariables, sendUnlink, signInWith } from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

const isPostgresql = inject('engine') === 'postgresql'
const rowsOfATable = 5000
/** It holds a handful of keys, however many users there are. */
const smallTable = /\bsigning_keys\b/
/** What bounds the table: at its 20,000 rows at most it counts them in half a millisecond. */
const boundedCount = 'select count(*) from provider_flows'

let server: TestServer
let provider: HostileProvider
let statements: string[]

beforeAll(async () => {
  provider = await startHostileProvider()
  server = await startServer({
    REDIRECT_URIS: redirectUri,
    THROTTLE: 'on',
    ...openidVariables('one', provider),
  })
  const collected = await collectStatements(liveALife)
  statements = collected.filter(
    (text) => /^\s*(with|select|insert|update|delete)\b/i.test(text) && !smallTable.test(text),
  )
  await fillTables()
})
afterAll(async () => {
  await server.close()
  await provider.close()
})

/** Each distinct statement that reaches the driver meanwhile. */
async function collectStatements(work: () => Promise<void>): Promise<string[]> {
  const texts = new Set<string>()
  const spy = isPostgresql
    ? vi.spyOn(PostgresqlClient.prototype, 'query')
    : vi.spyOn(Sqlite.prototype, 'prepare')
  await work()
  for (const [first] of spy.mock.calls as unknown[][]) {
    const text = typeof first === 'string' ? first : (first as { text?: string } | null)?.text
    if (text !== undefined) texts.add(text)
  }
  spy.mockRestore()
  return [...texts]
}

/** Every operation at least once, also if it refuses. */
async function liveALife(): Promise<void> {
  const { client } = server
  const { accessToken, email, password, refreshToken } = await client.register()
  expect(
    (
      await client.send(
        `mutation { register(email: "${email}", password: "${password}") { tokenType } }`,
      )
    ).code,
  ).toBe('EMAIL_TAKEN')
  expect((await client.login(email, 'not the password')).code).toBe('INVALID_CREDENTIALS')
  expect((await client.login('nobody@example.com', password)).code).toBe('INVALID_CREDENTIALS')
  const me = client.as(accessToken)
  const seen = await me.send(
    '{ protected providers { id } me { email identities { provider } sessions { id current } } }',
  )
  expect(seen.errors).toBeUndefined()
  const page = 'events(first: 1) { edges { node { id } } pageInfo { endCursor } }'
  const { events } = (await me.send(`{ me { ${page} } }`)).data.me
  const after = JSON.stringify(events.pageInfo.endCursor)
  const next = await me.send(
    `{ me { events(first: 1, after: ${after}) { edges { node { id } } } } }`,
  )
  expect(next.errors).toBeUndefined()

  // Rotated, in grace, replayed.
  const second = (await client.refresh(refreshToken)).data.refreshToken.refreshToken
  expect((await client.refresh(refreshToken)).errors).toBeUndefined()
  await client.refresh(second)
  expect((await client.refresh(refreshToken)).code).toBe('REFRESH_TOKEN_REUSED')

  const again = (await client.login(email, password)).data.login
  const other = (await client.login(email, password)).data.login
  const session = client.as(again.accessToken)
  const { sessions } = (await session.send('{ me { sessions { id current } } }')).data.me
  const { id } = sessions.find(({ current }: { current: boolean }) => !current)
  expect((await session.send(`mutation { revokeSession(id: "${id}") }`)).data.revokeSession).toBe(
    true,
  )
  expect((await client.as(other.accessToken).send('{ protected }')).reason).toBe('SESSION_ENDED')

  const browser = (sub: string) => (url: string) => provider.authorize(url, sub)
  expect((await signInWith(client, 'one', browser('newcomer'))).errors).toBeUndefined()
  expect((await signInWith(client, 'one', browser('newcomer'))).errors).toBeUndefined()
  expect((await linkWith(session, 'one', browser('linked'))).errors).toBeUndefined()
  expect((await signInWith(client, 'one', browser('linked'))).errors).toBeUndefined()
  expect((await sendUnlink(session, 'one')).errors).toBeUndefined()

  const changed = await session.send(
    `mutation { changePassword(currentPassword: "${password}", newPassword: "another long password") { accessToken refreshToken } }`,
  )
  expect(changed.errors).toBeUndefined()
  expect((await session.send('mutation { logout(scope: OTHERS) }')).data.logout).toBe(true)
  const { refreshToken: last } = changed.data.changePassword
  expect((await client.send(`mutation { logout(refreshToken: "${last}") }`)).data.logout).toBe(true)
  const { accessToken: end } = (await client.login(email, 'another long password')).data.login
  expect((await client.as(end).send('mutation { logout(scope: ALL) }')).data.logout).toBe(true)
}

/** Everyone with a session, an identity and so on, by sets. */
async function fillTables(): Promise<void> {
  const id = isPostgresql
    ? "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid"
    : "'00000000-0000-4000-8000-' || printf('%012d', n)"
  const roles = isPostgresql ? `'["USER"]'::jsonb` : `'["USER"]'`
  const later = Date.now() + 86_400_000
  const inserts = [
    `users (id, email, email_verified, roles, credential_version, created_at)
      select ${id}, 'user' || n || '@example.org', false, ${roles}, 0, n`,
    `sessions (id, user_id, method, generation, created_at, last_used_at, expires_at, ends_at)
      select 'session' || n, ${id}, 'password', 0, n, n, ${later} + n, ${later} + n`,
    `identities (id, user_id, provider, subject, linked_at)
      select ${id}, ${id}, 'one', 'subject' || n, n`,
    `provider_tokens (identity_id, access_token_encrypted, scopes) select ${id}, '', ''`,
    `provider_flows (token_hash, provider, state_hash, nonce, code_verifier, redirect_uri, user_id, expires_at)
      select 'token' || n, 'one', 'state' || n, '', '', '', ${id}, ${later} + n`,
    `audit_events (id, type, occurred_at, user_id, actor) select ${id}, 'LOGIN', n, ${id}, 'USER'`,
    `attempt_counters (key, count, blocked_until, resets_at) select 'key' || n, 1, 0, ${later} + n`,
  ]
  for (const insert of inserts) {
    await server.database.query(
      `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${rowsOfATable})
        insert into ${insert} from numbers`,
    )
  }
  await server.database.query('analyze')
}

/** The tables of which the plan reads every row. */
async function findScans(statement: string): Promise<string[]> {
  if (isPostgresql) {
    const lines = await server.database.query(`explain (generic_plan) ${statement}`)
    return lines.flatMap((line) => /Seq Scan on (\S+)/.exec(String(line['QUERY PLAN']))?.[1] ?? [])
  }
  const parameters = statement.split('?').length - 1
  const steps = await server.database.query(
    `explain query plan ${statement}`,
    Array.from({ length: parameters }, () => null),
  )
  // Of what a subquery has found, and of no table at all, everything may be read.
  return steps.flatMap(
    (step) => /^SCAN (?!CONSTANT|SUBQUERY|\()(\S+)/.exec(String(step['detail']))?.[1] ?? [],
  )
}

describe('the statements of requests', () => {
  it('are collected of every table that grows', () => {
    for (const table of ['users', 'sessions', 'identities', 'provider_flows', 'attempt_counters']) {
      expect(statements.some((text) => text.includes(table))).toBe(true)
    }
    expect(statements.length).toBeGreaterThan(20)
  })

  it('read no table from end to end', async () => {
    const scans: string[] = []
    for (const statement of statements) {
      if (statement.includes(boundedCount)) continue
      const tables = await findScans(statement)
      if (tables.length > 0) scans.push(`${tables.join(', ')}: ${statement}`)
    }
    expect(scans).toEqual([])
  })

  it('would be found out if one did', async () => {
    expect(await findScans("select id from users where name = 'Ada'")).toEqual(['users'])
    expect(await findScans('select id from sessions where ip is null')).toEqual(['sessions'])
  })
})
