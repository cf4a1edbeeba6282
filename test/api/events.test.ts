// `me { events }`: one's own part of the audit trail, page by page (GraphQL Cursor Connections).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authPayload, type Tokens } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => (server = await startServer()))
afterAll(() => server.close())

const document = `query ($first: Int!, $after: String) { me { events(first: $first, after: $after) {
  edges { cursor node { id type occurredAt outcome actor reason method sessionId ip userAgent } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
} } }`

interface Page {
  readonly edges: { cursor: string; node: Record<string, unknown> }[]
  readonly pageInfo: {
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor: string | null
    endCursor: string | null
  }
}

const ask = (accessToken: string, variables: Record<string, unknown>) =>
  server.client.as(accessToken).send(document, { first: 20, ...variables })
const page = async (accessToken: string, variables: Record<string, unknown>): Promise<Page> => {
  const answer = await ask(accessToken, variables)
  if (answer.errors) throw new Error(answer.text)
  return answer.data.me.events
}

/** Someone with seven events: two of signing up, and five refused sign-ins. */
async function somebody(): Promise<Tokens & { email: string; password: string }> {
  const account = await server.client.register()
  for (let count = 0; count < 5; count++) await server.client.login(account.email, 'wrong')
  return account
}

describe('my events', () => {
  it('are what happened, the newest first', async () => {
    const { accessToken } = await somebody()
    const { edges, pageInfo } = await page(accessToken, {})
    const failure = {
      type: 'SIGN_IN_FAILED',
      outcome: 'FAILURE',
      actor: 'ANONYMOUS',
      reason: 'WRONG_PASSWORD',
      method: 'password',
      sessionId: null,
      ip: '127.0.0.1',
    }
    expect(edges.map(({ node }) => node)).toMatchObject([
      failure,
      failure,
      failure,
      failure,
      failure,
      { type: 'SIGNED_IN', outcome: 'SUCCESS', actor: 'ACCOUNT', reason: null },
      { type: 'ACCOUNT_CREATED', outcome: 'SUCCESS', actor: 'ACCOUNT', reason: null },
    ])
    expect(Date.parse(String(edges[0]!.node['occurredAt']))).toBeLessThanOrEqual(server.now())
    expect(pageInfo).toEqual({
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: edges[0]!.cursor,
      endCursor: edges[6]!.cursor,
    })
  })

  it('come page by page, each once, whatever happens meanwhile', async () => {
    const { accessToken, email } = await somebody()
    const seen: unknown[] = []
    const all = (await page(accessToken, {})).edges.map(({ node }) => node['id'])
    let after: string | null = null
    for (;;) {
      const { edges, pageInfo }: Page = await page(accessToken, { first: 3, after })
      seen.push(...edges.map(({ node }) => node['id']))
      await server.client.login(email, 'wrong again')
      if (!pageInfo.hasNextPage) break
      after = pageInfo.endCursor
    }
    expect(seen).toEqual(all)
    expect(new Set(seen).size).toBe(7)
  })

  it('have no next page after one that ends with the oldest', async () => {
    const { accessToken } = await somebody()
    const { edges, pageInfo } = await page(accessToken, { first: 7 })
    expect([edges.length, pageInfo.hasNextPage]).toEqual([7, false])
    expect((await page(accessToken, { first: 6 })).pageInfo.hasNextPage).toBe(true)
  })

  it('continue behind an event that has been swept away', async () => {
    const { accessToken, user } = await somebody()
    const { edges } = await page(accessToken, {})
    await server.database.query('delete from audit_events where user_id = ? and id >= ?', [
      user.id,
      String(edges[2]!.node['id']),
    ])
    const rest = await page(accessToken, { after: edges[2]!.cursor })
    expect(rest.edges).toEqual(edges.slice(3))
  })

  it('end with an empty page', async () => {
    const { accessToken } = await somebody()
    const { edges } = await page(accessToken, {})
    expect(await page(accessToken, { after: edges.at(-1)!.cursor })).toEqual({
      edges: [],
      pageInfo: {
        hasNextPage: false,
        hasPreviousPage: false,
        startCursor: null,
        endCursor: null,
      },
    })
  })

  it('are no one else’s, not even by a cursor of theirs', async () => {
    const one = await somebody()
    const other = await somebody()
    const foreign = (await page(other.accessToken, {})).edges
    const mine = (await page(one.accessToken, { after: foreign[0]!.cursor })).edges
    const ids = foreign.map(({ node }) => node['id'])
    expect(mine.length).toBe(7)
    expect(mine.filter(({ node }) => ids.includes(node['id']))).toEqual([])
  })

  // Security case GQL-23: the same rules on every path to a user.
  it('come with a sign-in as well, and are those of the user who has signed in', async () => {
    const { email, password, user } = await somebody()
    const answer = await server.client.send(
      `mutation ($email: String!, $password: String!) {
        login(email: $email, password: $password) { ${authPayload} user { events(first: 1) { edges { node { type } } } } }
      }`,
      { email, password },
    )
    expect(answer.data.login.user).toMatchObject({
      id: user.id,
      events: { edges: [{ node: { type: 'SIGNED_IN' } }] },
    })
  })

  it('are still there after a change by an operator, who is not named', async () => {
    const { accessToken, user } = await somebody()
    await server.database.query(
      `insert into audit_events (id, type, occurred_at, user_id, actor, operator, role)
        values (?, 'ROLE_GRANTED', 1, ?, 'OPERATOR', 'root@secret-host', 'ADMIN')`,
      ['ffffffff-0000-7000-8000-000000000000', user.id],
    )
    const answer = await ask(accessToken, { first: 1 })
    expect(answer.data.me.events.edges[0].node).toMatchObject({
      type: 'ROLE_GRANTED',
      actor: 'OPERATOR',
      ip: null,
    })
    expect(answer.text).not.toContain('secret-host')
    await server.database.query('delete from audit_events where user_id = ?', [user.id])
  })
})

// Security case GQL-14.
describe('the size of a page', () => {
  it.each([0, -1, 101, 1_000_000, 2_147_483_647, -2_147_483_648])('cannot be %d', async (first) => {
    const { accessToken } = await server.client.register()
    const answer = await ask(accessToken, { first })
    expect(answer.code).toBe('BAD_USER_INPUT')
    expect(answer.errors![0]!.extensions.field).toBe('first')
    expect(answer.data).toBeNull()
  })

  it.each([2_147_483_648, 1e100, 0.5, '10', null, true, [], {}])('cannot be %j', async (first) => {
    const { accessToken } = await server.client.register()
    const answer = await ask(accessToken, { first })
    expect(answer.status).toBe(400)
    expect(answer.data).toBeUndefined()
  })

  it('is 20 if it is not said, and 100 at most', async () => {
    const { accessToken, user } = await server.client.register()
    for (let count = 0; count < 103; count++) {
      await server.database.query(
        "insert into audit_events (id, type, occurred_at, user_id, actor) values (?, 'SIGNED_IN', 1, ?, 'ACCOUNT')",
        [`00000000-0000-7000-8000-${String(count).padStart(12, '0')}`, user.id],
      )
    }
    const me = server.client.as(accessToken)
    const sent = await me.send('{ me { events { edges { cursor } pageInfo { hasNextPage } } } }')
    expect(sent.data.me.events.edges).toHaveLength(20)
    expect(sent.data.me.events.pageInfo.hasNextPage).toBe(true)
    expect((await page(accessToken, { first: 100 })).edges).toHaveLength(100)
    await server.database.query('delete from audit_events where user_id = ?', [user.id])
  })

  it('does not get past the limit on cost by aliases', async () => {
    const { accessToken } = await server.client.register()
    const aliases = Array.from(
      { length: 15 },
      (_, index) => `a${index}: events(first: 100) { edges { node { id type ip } } }`,
    )
    const answer = await server.client.as(accessToken).send(`{ me { ${aliases.join(' ')} } }`)
    expect(answer.code).toBe('QUERY_TOO_COMPLEX')
  })
})

describe('a cursor', () => {
  it.each([
    '',
    ' ',
    'null',
    '0',
    'x'.repeat(22),
    'A'.repeat(21),
    'A'.repeat(23),
    'A'.repeat(90_000),
    `${'A'.repeat(21)}B`,
    `${'A'.repeat(20)}==`,
    `${'A'.repeat(21)}+`,
    `${'A'.repeat(21)}é`,
    `${'A'.repeat(21)}\0`,
    "' or 1=1 --",
    '019a0000-0000-7000-8000-000000000000',
    btoa('arrayconnection:5'),
  ])('that is none of ours is refused, and not repeated: %j', async (after) => {
    const { accessToken } = await server.client.register()
    const answer = await ask(accessToken, { after })
    expect(answer.code).toBe('BAD_USER_INPUT')
    expect(answer.errors![0]!.extensions.field).toBe('after')
    expect(answer.errors![0]!.message).toBe('Invalid cursor.')
  })

  it.each([
    ['before everything', '//////////////////////', 2],
    ['behind everything', 'A'.repeat(22), 0],
  ])('that no one was given is a place %s', async (_where, text, count) => {
    const { accessToken } = await server.client.register()
    const after = text.replaceAll('/', '_').replace(/_$/, 'w')
    expect((await page(accessToken, { after })).edges).toHaveLength(count)
  })
})
