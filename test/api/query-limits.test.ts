// What one request may ask for (OWASP GraphQL Cheat Sheet; graphql-cop; graphql-armor; ASVS 4.3.1).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { countCalls, testSchema } from '../support/test.resolver.ts'

let server: TestServer
beforeAll(async () => (server = await startServer({ THROTTLE: 'on' }, { schema: testSchema })))
afterAll(() => server.close())

const countAttempts = async () =>
  Number(
    (await server.database.query('select coalesce(sum(count), 0) as n from attempt_counters'))[0]![
      'n'
    ],
  )

/** As many sign-ins in one operation, as a guesser would send them. */
const aliasedLogins = (count: number) =>
  `mutation { ${Array.from({ length: count }, (_, index) => `a${index}: login(email: "ada@example.com", password: "guess ${index}") { tokenType }`).join(' ')} }`

describe('many sign-ins in one request', () => {
  // OWASP "Batching attacks"; parse-server CVE-2026-30972.
  it.each([
    [6, 400, 'QUERY_TOO_COMPLEX'],
    [16, 400, 'QUERY_TOO_COMPLEX'],
    [100, 400, 'QUERY_TOO_COMPLEX'],
    [1000, 400, 'QUERY_TOO_COMPLEX'],
    [20_000, 413, 'PAYLOAD_TOO_LARGE'],
  ])('are refused before any is tried: %i', async (count, status, code) => {
    const before = await countAttempts()
    const answer = await server.client.send(aliasedLogins(count))
    expect(answer.status).toBe(status)
    expect(answer.errors).toHaveLength(1)
    expect(answer.code).toBe(code)
    expect(answer.data).toBeUndefined()
    expect(await countAttempts()).toBe(before)
  })

  it('end with the first that fails if they are few', async () => {
    const before = await countAttempts()
    await server.client.send(aliasedLogins(1))
    const charges = (await countAttempts()) - before
    expect(charges).toBeGreaterThan(0)
    const five = await server.client.send(aliasedLogins(5))
    expect(five.errors!.map(({ path }) => path)).toEqual([['a0']])
    expect(five.code).toBe('INVALID_CREDENTIALS')
    expect(five.data).toBeNull()
    expect(await countAttempts()).toBe(before + 2 * charges)
  })

  it('are refused in every other disguise', async () => {
    const login = 'login(email: "ada@example.com", password: "guess") { tokenType }'
    const aliased = (count: number) =>
      Array.from({ length: count }, (_, index) => `a${index}: ${login}`).join(' ')
    const before = await countAttempts()
    const documents = [
      `mutation { ...F } fragment F on Mutation { ${aliased(6)} }`,
      `mutation { ...F ...G } fragment F on Mutation { ${aliased(3)} } fragment G on Mutation { ${aliased(6)} }`,
      `mutation { ... { ${aliased(3)} } ... on Mutation { b: ${login} c: ${login} d: ${login} } }`,
      `mutation { ${aliased(3)} b: refreshToken(refreshToken: "a") { tokenType } c: register(email: "a", password: "b") { tokenType } d: register(email: "c", password: "b") { tokenType } e: ${login} }`,
      `query harmless { providers { id } } mutation harmful { ${aliased(6)} }`,
    ]
    for (const document of documents) {
      expect((await server.client.send(document)).code).toBe('QUERY_TOO_COMPLEX')
    }
    expect(await countAttempts()).toBe(before)
  })
})

const depth = (levels: number) =>
  `{ nest { ${'inner { '.repeat(levels - 2)}name${' }'.repeat(levels)}`
const repeat = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ')

describe('a limit', () => {
  it.each([
    [
      'tokens',
      1000,
      (n: number) =>
        `{ nest { name } ${'... { '.repeat(331)}__typename${' }'.repeat(331)} }`.replace(
          '__typename',
          '__typename '.repeat(n - 999),
        ),
    ],
    ['depth', 8, depth],
    ['aliases', 15, (n: number) => `{ ${repeat(n, (index) => `a${index}: nest { name }`)} }`],
    ['directives', 20, (n: number) => `{ nest { ${repeat(n, () => 'name @skip(if: false)')} } }`],
    [
      'cost',
      300,
      (n: number) => `{ nest { many { ${'name '.repeat(29)} } ${'name '.repeat(n - 292)} } }`,
    ],
  ])(
    'lets through what reaches it, and executes nothing of what exceeds it: %s',
    async (name, limit, document) => {
      const calls = countCalls()
      expect((await server.client.send(document(limit))).errors).toBeUndefined()
      expect(countCalls()).toBeGreaterThan(calls)
      const before = countCalls()
      const exceeds = await server.client.send(document(limit + 1))
      expect(exceeds.status).toBe(400)
      expect(exceeds.code).toBe('QUERY_TOO_COMPLEX')
      expect(exceeds.errors![0]!.message).toBe(
        `The operation exceeds the limit on ${name} (${limit}).`,
      )
      expect(exceeds.data).toBeUndefined()
      expect(countCalls()).toBe(before)
    },
  )

  const doublings = (count: number, selection: string) =>
    `{ ...F0 } ${repeat(count, (index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`)} fragment F${count} on Query { ${selection} }`

  it.each([
    ['200 levels', depth(200)],
    ['1,000 levels', depth(1000)],
    ['20,000 levels', '{ nest '.repeat(12_000)],
    ['500 copies of a field', `{ ${'nest { name } '.repeat(200)} }`],
    ['20,000 copies of a field', `{ ${'me '.repeat(20_000)} }`],
    ['fragments that double 25 times', doublings(25, 'nest { name }')],
    ['fragments that double 60 times', doublings(60, 'a: nest { name }')],
    ['lists in lists', `mutation { logout(refreshToken: ${'['.repeat(2000)}) }`],
    ['objects in objects', `mutation { logout(refreshToken: ${'{a:'.repeat(2000)}) }`],
    ['variables', `query (${repeat(500, (index) => `$v${index}: Int`)}) { __typename }`],
    ['directives', `{ __typename ${'@skip(if: false) '.repeat(150)} }`],
    ['directives that nobody knows', `{ __typename ${'@a '.repeat(490)} }`],
    ['operations', repeat(400, (index) => `query q${index} { __typename }`)],
    [
      'copies of the schema',
      `{ __schema { ${repeat(20, (index) => `t${index}: types { name }`)} } }`,
    ],
  ])('refuses %s', async (_what, document) => {
    const answer = await server.client.send(document)
    expect(answer.status).toBe(400)
    expect(answer.errors!.map(({ extensions }) => extensions.code)).toContain('QUERY_TOO_COMPLEX')
    expect(answer.data).toBeUndefined()
    expect(answer.text.length).toBeLessThan(20_000)
  })

  it.each([
    ['a fragment within itself', '{ ...A } fragment A on Query { ...A }'],
    [
      'two fragments within each other',
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
    ],
    ['a fragment below itself', '{ nest { ...A } } fragment A on Nest { inner { ...A } }'],
    [
      'introspection in circles',
      '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
    ],
  ])('is not needed to refuse %s', async (_what, document) => {
    const answer = await server.client.send(document)
    expect(answer.status).toBe(400)
    expect(answer.code).toBe('GRAPHQL_VALIDATION_FAILED')
  })

  it('does not keep fragments that double without asking for anything from being answered', async () => {
    const answer = await server.client.send(doublings(60, '__typename'))
    expect(answer.data).toEqual({ __typename: 'Query' })
  })
})
