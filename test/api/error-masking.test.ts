// ASVS 16.5: a failure of ours is told as such, with an id that finds it in the log, and fails closed.
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { failureDetail, failureKinds, testSchema } from '../support/test.resolver.ts'
import type { Answer } from '../support/client.ts'

const detailShape = new RegExp(failureDetail.slice(-8))

let server: TestServer
beforeAll(async () => (server = await startServer({}, { schema: testSchema })))
afterAll(() => server.close())

/** The entries about what was masked, of one request. */
function logged(of: TestServer, requestId: string | undefined): string[] {
  expect(requestId).toMatch(/^[\da-f-]{36}$/)
  return of
    .logText()
    .split('\n')
    .filter((line) => line.includes(requestId!) && !line.includes('"msg":"request"'))
}

/** Says nothing but that it was our fault, and where in the log it stands: once. */
function expectMasked(of: TestServer, answer: Answer, detail: RegExp): void {
  const error = answer.errors![0]!
  expect(error.message).toBe('Internal server error')
  expect(Object.keys(error.extensions).toSorted()).toEqual(['code', 'requestId'])
  expect(error.extensions.code).toBe('INTERNAL_SERVER_ERROR')
  expect(error.extensions.requestId).toBe(answer.headers.get('x-request-id'))
  expect(answer.text).not.toMatch(detail)
  const entries = logged(of, error.extensions.requestId)
  expect(entries).toHaveLength(1)
  expect(JSON.parse(entries[0]!)).toMatchObject({
    level: 'error',
    err: { stack: expect.any(String) },
  })
  expect(entries[0]).toMatch(detail)
}

describe('a resolver that fails', () => {
  // Saleor CVE-2023-26051, parse-server CVE-2026-30835, Directus CVE-2025-30353.
  it.each(failureKinds)('is masked and logged once: %s', async (how) => {
    const answer = await server.client.send('query ($how: String!) { fail(how: $how) }', { how })
    expect(answer.data).toBeNull()
    expect(answer.errors).toHaveLength(1)
    const isWithoutDetail = ['null', 'undefined', 'object'].includes(how)
    expectMasked(server, answer, isWithoutDetail ? /Unexpected error value/ : detailShape)
  })

  it.each(['missing', 'notANumber'])('is masked if it breaks the schema: %s', async (field) => {
    const answer = await server.client.send(`{ ${field} }`)
    expect(answer.data).toBeNull()
    expectMasked(server, answer, field === 'missing' ? /Cannot return null/ : detailShape)
  })

  it('takes nothing else with it', async () => {
    const answer = await server.client.send(
      '{ failSoftly(how: "error") __typename providers { id } }',
    )
    expect(answer.status).toBe(200)
    expect(answer.data).toEqual({ failSoftly: null, __typename: 'Query', providers: [] })
    expectMasked(server, answer, detailShape)
  })

  it('is masked each time, if there are several', async () => {
    const answer = await server.client.send(
      '{ a: failSoftly(how: "error") b: failSoftly(how: "text") }',
    )
    expect(answer.errors).toHaveLength(2)
    expect(new Set(answer.errors!.map(({ message }) => message))).toEqual(
      new Set(['Internal server error']),
    )
    expect(logged(server, answer.errors![0]!.extensions.requestId)).toHaveLength(2)
  })

  it('is cut off if it never ends, and holds no one else up', async () => {
    const impatient = await startServer(
      {},
      { schema: testSchema, requestTimeoutMilliseconds: 5000 },
    )
    const answer = await impatient.client.send('{ never }')
    expect(answer.status).toBe(503)
    expectMasked(impatient, answer, /too long/)
    expect((await impatient.client.send('{ providers { id } }')).errors).toBeUndefined()
  })
})

describe('no response has a stack, a trace or an extension', () => {
  it.each(['', 'development', 'test', 'production'])('with NODE_ENV=%s', async (value) => {
    vi.stubEnv('NODE_ENV', value === '' ? undefined : value)
    try {
      const inEnvironment = await startServer({}, { schema: testSchema })
      const headers = { 'apollo-federation-include-trace': 'ftv1', 'x-apollo-tracing': '1' }
      const documents = [
        '{ fail(how: "error") }',
        '{ nope }',
        '{',
        '{ me { id } }',
        '{ __typename }',
      ]
      for (const document of documents) {
        const { text } = await inEnvironment.client.send(document, undefined, headers)
        expect(text).not.toMatch(/stack|node_modules|\.ts:|ftv1|tracing|exception/i)
        expect(JSON.parse(text)).not.toHaveProperty('extensions')
      }
      const bad = await fetch(`${inEnvironment.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{',
      })
      expect(await bad.text()).not.toMatch(/stack|node_modules/)
    } finally {
      vi.unstubAllEnvs()
    }
  })
})

/** Makes the database refuse to insert into a table, in words that only the log may repeat. */
async function refuseInserts(of: TestServer, table: string, words: string): Promise<void> {
  if (inject('engine') === 'sqlite') {
    await of.database.query(
      `create trigger broken before insert on ${table} begin select raise(abort, '${words}'); end`,
    )
    return
  }
  await of.database.query(
    `create function broken() returns trigger as $$ begin raise exception '${words}'; end $$ language plpgsql`,
  )
  await of.database.query(
    `create trigger broken before insert on ${table} for each row execute function broken()`,
  )
}

describe('a database that fails', () => {
  const words = 'tablespace on sda1 is broken'
  const missingTable = /no such table|relation … does not exist/

  it('is not revealed when it refuses a new account, nor is the account in the log', async () => {
    const broken = await startServer()
    await refuseInserts(broken, 'users', words)
    const account = {
      email: 'canary@example.com',
      password: 'canary password',
      name: 'canary name',
    }
    const answer = await broken.client.send(
      'mutation ($email: String!, $password: String!, $name: String) { register(email: $email, password: $password, name: $name) { tokenType } }',
      account,
    )
    expect(answer.data).toBeNull()
    expectMasked(broken, answer, new RegExp(words))
    expect(broken.logText()).not.toMatch(/canary|\$2b\$|insert into/i)
  })

  it('is not revealed when it refuses a session', async () => {
    const broken = await startServer()
    const { email, password } = await broken.client.register()
    await refuseInserts(broken, 'sessions', words)
    const answer = await broken.client.login(email, password)
    expect(answer.data).toBeNull()
    expect(answer.headers.get('set-cookie')).toBeNull()
    expectMasked(broken, answer, new RegExp(words))
    expect(broken.logText()).not.toContain(email)
  })

  it('is not revealed in the middle of a response', async () => {
    const broken = await startServer()
    const { accessToken } = await broken.client.register()
    await broken.database.query('alter table identities rename to moved')
    const me = broken.client.as(accessToken)
    const answer = await me.send('{ me { id identities { provider } } }')
    expect(answer.data).toBeNull()
    expectMasked(broken, answer, missingTable)
    expect((await me.send('{ protected }')).errors).toBeUndefined()
  })

  // Auth.js CVE-2026-73421: what failed to identify someone passed for having done so.
  it.each(['sessions', 'users'])('lets no one in when %s cannot be read', async (table) => {
    const broken = await startServer()
    const { accessToken, refreshToken } = await broken.client.register()
    await broken.database.query(`alter table ${table} rename to gone`)
    const answer = await broken.client.as(accessToken).send('{ protected }')
    expect(answer.status).toBe(500)
    expect(answer.data ?? null).toBeNull()
    expectMasked(broken, answer, missingTable)
    const refreshed = await broken.client.refresh(refreshToken)
    expect(refreshed.data ?? null).toBeNull()
    expectMasked(broken, refreshed, missingTable)
    // Nothing that the failure left behind lets anyone in afterwards.
    expect((await broken.client.send('{ protected }')).code).toBe('UNAUTHENTICATED')
    await broken.database.query(`alter table gone rename to ${table}`)
    expect((await broken.client.as(accessToken).send('{ protected }')).errors).toBeUndefined()
  })

  it('lets no one in when the keys cannot be read', async () => {
    const broken = await startServer()
    const { accessToken } = await broken.client.register()
    await broken.database.query('alter table signing_keys rename to gone')
    const [header, ...rest] = accessToken.split('.')
    const { kid, ...others } = JSON.parse(Buffer.from(header!, 'base64url').toString())
    const unknown = Buffer.from(JSON.stringify({ ...others, kid: `${kid}x` })).toString('base64url')
    const answer = await broken.client.as([unknown, ...rest].join('.')).send('{ protected }')
    expect(answer.data ?? null).toBeNull()
    expectMasked(broken, answer, missingTable)
    // The keys that it has met are in memory.
    expect((await broken.client.as(accessToken).send('{ protected }')).errors).toBeUndefined()
  })
})
