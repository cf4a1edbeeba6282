// What a stranger learns by asking: of the schema where introspection is off, of other fields by misspelling one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAnswer } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

let closed: TestServer
let open: TestServer
beforeAll(async () => {
  closed = await startServer({ INTROSPECTION: 'off', SANDBOX: 'off' })
  open = await startServer()
})
afterAll(async () => {
  await closed.close()
  await open.close()
})

const spellings: [what: string, document: string, operationName?: string][] = [
  ['the schema', '{ __schema { types { name } } }'],
  ['a type', '{ __type(name: "User") { fields { name } } }'],
  ['an alias', '{ a: __schema { queryType { name } } }'],
  ['commas, comments and line breaks', '{,,\n#\n__schema,#x\n{,queryType\r\n{ name } } }'],
  ['a tab and a byte order mark', '\ufeff{\t__schema{queryType{name}}}'],
  ['a fragment', '{ ...F } fragment F on Query { __schema { queryType { name } } }'],
  ['an inline fragment', '{ ... on Query { ... { __type(name: "User") { name } } } }'],
  ['a mutation', 'mutation { __schema { queryType { name } } }'],
  ['a mutation beside others', 'mutation { logout __type(name: "User") { name } }'],
  ['a query beside others', '{ providers { id } __schema { queryType { name } } }'],
  ['a directive', '{ __schema @include(if: true) { queryType { name } } }'],
  [
    'one operation of two',
    'query a { __typename } query b { __schema { queryType { name } } }',
    'b',
  ],
  [
    'the other of the two',
    'query a { __typename } query b { __schema { queryType { name } } }',
    'a',
  ],
  [
    'the name of the tools',
    'query IntrospectionQuery { __schema { types { name } } }',
    'IntrospectionQuery',
  ],
]

describe('introspection', () => {
  // ASVS 4.3.2; graphql-cop; DVGA "interface protection bypass".
  it.each(spellings)('is refused if it is off: %s', async (_what, query, operationName) => {
    const { accessToken } = await closed.client.register()
    for (const authorization of ['', `Bearer ${accessToken}`]) {
      const headers = { 'apollo-require-preflight': '1', authorization }
      const parameters = { query, ...(operationName && { operationName }) }
      const responses = [
        await fetch(`${closed.url}/graphql`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(parameters),
        }),
        await fetch(`${closed.url}/graphql?${new URLSearchParams(parameters).toString()}`, {
          headers,
        }),
      ]
      for (const response of responses) {
        const answer = await readAnswer(response)
        expect(answer.status).toBe(400)
        expect(answer.code).toBe('GRAPHQL_VALIDATION_FAILED')
        expect(answer.data).toBeUndefined()
        expect(answer.text).not.toMatch(/AuthPayload|identities/)
      }
    }
  })

  it('is answered if it is on', async () => {
    for (const [, query] of spellings.slice(0, 7)) {
      expect((await open.client.send(query)).errors).toBeUndefined()
    }
  })

  it('does not take the names of types away', async () => {
    const { data } = await closed.client.send('{ __typename providers { __typename } }')
    expect(data).toEqual({ __typename: 'Query', providers: [] })
  })
})

describe('a misspelled name', () => {
  // parse-server CVE-2026-47248; graphql-cop "field suggestions".
  it.each([
    ['a field', '{ mee { id } }'],
    ['a mutation', 'mutation { logn(email: "a", password: "b") { tokenType } }'],
    ['a field of a type', '{ me { emal } }'],
    ['a field of a payload', 'mutation { login(email: "a", password: "b") { accesToken } }'],
    ['an argument', 'mutation { login(emal: "a", password: "b") { tokenType } }'],
    ['a value', 'mutation { logout(scope: OTHER) }'],
    ['a value as text', 'mutation { logout(scope: "OTHERS") }'],
    ['a type', 'query ($a: LogoutScop) { __typename }'],
    ['a type of a fragment', '{ ...F } fragment F on Quer { __typename }'],
    ['a type of an inline fragment', '{ me { ... on Usr { id } } }'],
    ['a directive', '{ __typename @skp(if: true) }'],
    ['an argument of a directive', '{ __typename @skip(fi: true) }'],
    ['a fragment', '{ ...Frag } fragment Frg on Query { __typename }'],
    ['a missing selection', '{ me }'],
    ['quotes of another language', "{ me(id: 'a') { id } }"],
  ])('does not bring the right one: %s', async (_what, query) => {
    for (const { client } of [closed, open]) {
      const answer = await client.send(query)
      expect(answer.status).toBe(400)
      expect(answer.text).not.toMatch(/did you mean|perhaps/i)
    }
  })

  it('does not bring the right one in a variable', async () => {
    const query = 'mutation ($scope: LogoutScope!) { logout(scope: $scope) }'
    for (const scope of ['OTHER', 'others', 1, ['ALL']]) {
      const answer = await closed.client.send(query, { scope })
      expect(answer.code).toBe('BAD_USER_INPUT')
      expect(answer.text).not.toMatch(/did you mean|OTHERS|ALL/i)
    }
  })
})

describe('a guard', () => {
  // DVGA "deny list bypass".
  it.each([
    ['an alias', '{ a: protected }'],
    ['a fragment', '{ ...F } fragment F on Query { protected }'],
    ['an inline fragment', '{ ... on Query { ... { protected } } }'],
    ['@include', '{ protected @include(if: true) }'],
    ['@skip', '{ ... @skip(if: false) { protected } }'],
    ['the second of two operations', 'query a { providers { id } } query b { protected }', 'b'],
    ['a field that needs nobody', '{ providers { id } protected }'],
    ['the same field twice', '{ protected ... { protected } }'],
    ['two guarded fields', '{ me { id } protected }'],
    ['a guarded mutation', 'mutation { a: revokeSession(id: "a") }'],
    [
      'a mutation that nobody needs before it',
      'mutation { logout changePassword(newPassword: "long enough") { tokenType } }',
    ],
  ])('is not got around with %s', async (_what, query, operationName?: string) => {
    const response = await fetch(`${open.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, operationName }),
    })
    const answer = await readAnswer(response)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    expect(answer.data).toBeNull()
    for (const error of answer.errors!) {
      expect(error.extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' })
    }
  })

  it('is skipped only with its field', async () => {
    const { data, status } = await open.client.send('{ __typename protected @skip(if: true) }')
    expect(status).toBe(200)
    expect(data).toEqual({ __typename: 'Query' })
  })

  it('cannot be put on or taken off by the directives that describe it', async () => {
    for (const directive of ['@authenticated', '@requiresRole(roles: [])']) {
      expect((await open.client.send(`{ protected ${directive} }`)).code).toBe(
        'GRAPHQL_VALIDATION_FAILED',
      )
    }
  })

  it('leaves nothing of a partly allowed answer behind', async () => {
    const answer = await open.client.send('{ __typename me { email } protected }')
    expect(answer.data).toBeNull()
    expect(answer.errors!.map(({ path }) => path![0])).toEqual(expect.arrayContaining(['me']))
    expect(answer.text).not.toContain('@')
  })
})
