// ASVS 1.2 and 15.3.3: what is sent as an argument is data, and only what the schema names is an argument.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tokens } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let bystander: Tokens
beforeAll(async () => {
  server = await startServer({ GITHUB_CLIENT_ID: 'id', GITHUB_CLIENT_SECRET: 'secret' })
  bystander = await server.client.register()
})
afterAll(() => server.close())

const rowOf = async (id: string) =>
  (await server.database.query('select * from users where id = ?', [id]))[0]!

/** Strings that have ended someone's statement, path, template or file. */
const strings = [
  `'`,
  `"`,
  '`',
  '\\',
  `\\'`,
  `'';--`,
  `'; drop table users; --`,
  `' or '1'='1`,
  `" or ""="`,
  `') or 1=1 --`,
  `1; select pg_sleep(10)`,
  '?',
  '??',
  '$1',
  ':id',
  '%',
  '_%',
  '{}',
  '[]',
  '{"$ne":null}',
  '${7*7}',
  '{{7*7}}',
  '__proto__',
  'constructor',
  'null',
  'undefined',
  'true',
  '-1',
  '../../etc/passwd',
  '\0',
  'a\0b',
  '\r\nSet-Cookie: a=b',
  '\u2028',
  '\u202e',
  '\ud800',
  '\udc00\ud800',
  '\uffff',
  '𝕏',
  'é'.repeat(100),
  'a'.repeat(10_000),
  '',
  ' ',
]

describe('a string argument', () => {
  const operations = {
    'register(email)':
      'mutation ($s: String!) { register(email: $s, password: "correct horse battery") { tokenType } }',
    'register(email), local part':
      'mutation ($s: String!) { register(email: $s, password: "correct horse battery") { tokenType } }',
    'register(password)':
      'mutation ($s: String!, $e: String!) { register(email: $e, password: $s) { tokenType } }',
    'register(name)':
      'mutation ($s: String!, $e: String!) { register(email: $e, password: "correct horse battery", name: $s) { user { name } } }',
    'login(email)':
      'mutation ($s: String!) { login(email: $s, password: "correct horse battery") { tokenType } }',
    'login(password)':
      'mutation ($s: String!) { login(email: "nobody@example.com", password: $s) { tokenType } }',
    'refreshToken(refreshToken)':
      'mutation ($s: String!) { refreshToken(refreshToken: $s) { tokenType } }',
    'logout(refreshToken)': 'mutation ($s: String!) { logout(refreshToken: $s) }',
    'revokeSession(id)': 'mutation ($s: ID!) { revokeSession(id: $s) }',
    'changePassword(currentPassword)':
      'mutation ($s: String!) { changePassword(currentPassword: $s, newPassword: "correct horse battery") { tokenType } }',
    'changePassword(newPassword)':
      'mutation ($s: String!) { changePassword(currentPassword: "not this one", newPassword: $s) { tokenType } }',
    'beginProviderLogin(provider)':
      'mutation ($s: String!) { beginProviderLogin(provider: $s, redirectUri: "https://app.example.com/") { flowToken } }',
    'loginWithProvider(provider)':
      'mutation ($s: String!) { loginWithProvider(provider: $s, code: "a", state: "a", flowToken: "a") { tokenType } }',
    'loginWithProvider(flowToken), at a provider':
      'mutation ($s: String!) { loginWithProvider(provider: "github", code: $s, state: $s, flowToken: $s, iss: $s) { tokenType } }',
    'linkProvider(flowToken), at a provider':
      'mutation ($s: String!) { linkProvider(provider: "github", code: $s, state: $s, flowToken: $s, iss: $s) { id } }',
    'updateProfile(name)': 'mutation ($s: String!) { updateProfile(name: $s) { id } }',
    'unlinkProvider(provider)': 'mutation ($s: String!) { unlinkProvider(provider: $s) { id } }',
    'providerToken(provider)':
      'query ($s: String!) { providerToken(provider: $s) { accessToken } }',
  }

  // MikroORM CVE-2026-34220 and CVE-2026-44680: values that became SQL.
  it.each(Object.entries(operations))('is data, whatever it holds: %s', async (what, operation) => {
    const { accessToken } = await server.client.register()
    const { client } = server
    const { length: logged } = server.logText()
    for (const [index, string] of strings.entries()) {
      const s = what.endsWith('local part') ? `${string}@example.com` : string
      const e = `hostile${index}.${what.length}@example.com`
      const variables = operation.includes('$e:') ? { s, e } : { s }
      const answer = await client.as(accessToken).send(operation, variables)
      expect([200, 400]).toContain(answer.status)
      for (const { extensions } of answer.errors ?? []) {
        expect([
          'BAD_USER_INPUT',
          'INVALID_CREDENTIALS',
          'INVALID_REFRESH_TOKEN',
          'EMAIL_TAKEN',
          'UNKNOWN_PROVIDER',
          'INVALID_FLOW',
        ]).toContain(extensions.code)
      }
    }
    expect(server.logText().slice(logged)).not.toContain('"level":"error"')
    const { data } = await client.as(bystander.accessToken).send('{ me { id } }')
    expect(data).toEqual({ me: { id: bystander.user.id } })
  })

  it('comes back as it went in', async () => {
    const odd = [
      `O'Neill`,
      `"; --`,
      '\\',
      `\\'`,
      '\\\\n',
      '?',
      ':a',
      '$1',
      '$$',
      '%s',
      '{"a":[1]}',
      '🙂 é',
    ]
    for (const [index, name] of odd.entries()) {
      const email = `o'${'{|}~$?%'.charAt(index % 7)}${index}@example.com`
      const account = await server.client.register({ email, name })
      const { data } = await server.client.as(account.accessToken).send('{ me { email name } }')
      expect(data.me).toEqual({ email, name })
      expect(await rowOf(account.user.id)).toMatchObject({ email, name })
      const agent = { 'user-agent': name.replaceAll(/[^ -~]/g, '') }
      const login = await server.client.send(
        'mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { user { sessions { userAgent current } } } }',
        { email, password: account.password },
        agent,
      )
      const current = login.data.login.user.sessions.find(
        (session: { current: boolean }) => session.current,
      )
      expect(current.userAgent).toBe(agent['user-agent'].trim())
    }
  })

  it.each([
    ['an object', { $ne: null }],
    ['an object with a name of the ORM', { $raw: '1=1', __raw: true }],
    ['an array', ['ada@example.com']],
    ['a number', 1],
    ['true', true],
    ['null', null],
    ['a deep object', { a: { b: { c: {} } } }],
  ])('is a string: %s is refused before anything else', async (_what, value) => {
    const calls = [
      'mutation ($v: String!) { register(email: $v, password: "correct horse battery") { tokenType } }',
      'mutation ($v: String!) { login(email: $v, password: "a") { tokenType } }',
      'mutation ($v: String!) { login(email: "ada@example.com", password: $v) { tokenType } }',
      'mutation ($v: String!) { refreshToken(refreshToken: $v) { tokenType } }',
    ]
    for (const call of calls) {
      const answer = await server.client.send(call, { v: value })
      expect(answer.status).toBe(400)
      expect(answer.code).toBe('BAD_USER_INPUT')
      expect(answer.data).toBeUndefined()
    }
  })
})

describe('what no one may set', () => {
  // Mass assignment: Camaleon CVE-2025-2304, Snipe-IT CVE-2025-15602, parse-server CVE-2026-34574.
  const names = [
    'id',
    'role',
    'roles',
    'isAdmin',
    'admin',
    'emailVerified',
    'passwordHash',
    'password_hash',
    'credentialVersion',
    'createdAt',
    'disabledAt',
    'sessions',
    'identities',
    'user',
    'data',
    'where',
    '$isPersisted',
  ]
  const values = ['ADMIN', '[ADMIN]', '""', 'null', '0', 'false']

  it.each(names)('is no argument: %s', async (name) => {
    const { accessToken, user, email, password } = await server.client.register()
    const before = await rowOf(user.id)
    for (const value of values) {
      const calls = [
        `register(email: "mass@example.com", password: "correct horse battery", ${name}: ${value}) { tokenType }`,
        `login(email: "${email}", password: "${password}", ${name}: ${value}) { tokenType }`,
        `changePassword(currentPassword: "${password}", newPassword: "another long one", ${name}: ${value}) { tokenType }`,
        `logout(scope: ALL, ${name}: ${value})`,
      ]
      for (const call of calls) {
        const answer = await server.client.as(accessToken).send(`mutation { ${call} }`)
        expect(answer.status).toBe(400)
        expect(answer.code).toMatch(/^GRAPHQL_(VALIDATION|PARSE)_FAILED$/)
      }
    }
    expect(await rowOf(user.id)).toEqual(before)
    expect(
      await server.database.query("select id from users where email = 'mass@example.com'"),
    ).toEqual([])
  })

  it('is not set by a variable that no argument takes, nor by a property of the request', async () => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query:
          'mutation ($email: String!, $password: String!) { register(email: $email, password: $password) { user { id roles emailVerified name } } }',
        variables: {
          email: 'extra@example.com',
          password: 'correct horse battery',
          name: 'Extra',
          roles: ['ADMIN'],
          emailVerified: true,
          id: '00000000-0000-4000-8000-000000000000',
        },
        roles: ['ADMIN'],
        user: { roles: ['ADMIN'] },
      }),
    })
    const { data } = (await response.json()) as {
      data: { register: { user: Record<string, unknown> } }
    }
    const { user } = data.register
    expect(user).toEqual({ id: user['id'], roles: ['USER'], emailVerified: false, name: null })
    expect(user['id']).not.toMatch(/^0000/)
  })

  it("is another user's session: it is not found, and lives on", async () => {
    const { client } = server
    const [ada, eve] = [await client.register(), await client.register()]
    const { data } = await client.as(ada.accessToken).send('{ me { sessions { id } } }')
    const { id } = data.me.sessions[0]
    const answer = await client
      .as(eve.accessToken)
      .send('mutation ($id: ID!) { revokeSession(id: $id) }', { id })
    expect(answer.data).toEqual({ revokeSession: false })
    expect((await client.as(ada.accessToken).send('{ protected }')).errors).toBeUndefined()
    // In the same words as one that never was.
    const unknown = await client
      .as(eve.accessToken)
      .send('mutation { revokeSession(id: "AAAAAAAAAAAAAAAAAAAAAA") }')
    expect(answer.text).toBe(unknown.text)
  })
})
