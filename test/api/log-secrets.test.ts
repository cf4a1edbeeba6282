// ASVS 16.2.5: what users trust us with is in no log, at the level that says most.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authPayload } from '../support/client.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'
import { startServer, testAppSecret, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => (server = await startServer({ LOG_LEVEL: 'trace', THROTTLE: 'on' })))
afterAll(() => server.close())

const json = { 'content-type': 'application/json' }
const canary = 'canary-4711'

describe('the log of a whole life', () => {
  it('has no password, token, cookie, hash or address in it', async () => {
    const { client, url } = server
    const secrets = new Set<string>([testAppSecret, '$2b$'])
    const secret = (text: string) => {
      secrets.add(text)
      return text
    }
    const keep = (answer: { data: Record<string, Record<string, unknown>> }, field: string) => {
      const payload = answer.data[field]!
      return {
        accessToken: secret(payload['accessToken'] as string),
        refreshToken:
          payload['refreshToken'] === null ? '' : secret(payload['refreshToken'] as string),
      }
    }
    const email = secret('canary.person@example.com')
    const password = secret('canary password one')
    const newPassword = secret('canary password two')

    const registered = keep(
      await client.send(
        `mutation ($email: String!, $password: String!, $name: String) { register(email: $email, password: $password, name: $name) { ${authPayload} } }`,
        { email, password, name: secret('Canary Name') },
      ),
      'register',
    )
    await client.send(
      `mutation { register(email: "${email}", password: "${password}") { tokenType } }`,
    )
    await client.send(
      `mutation { register(email: "a@b.c", password: "${secret('canary')}") { tokenType } }`,
    )
    await client.login(email, secret('canary wrong password'))
    await client.login(secret('canary.nobody@example.com'), password)
    await client.login(password, email)
    const first = keep(await client.login(email, password), 'login')
    const second = keep(await client.refresh(first.refreshToken), 'refreshToken')
    server.advance(60)
    await client.refresh(first.refreshToken)
    await client.refresh(second.refreshToken)
    await client.refresh(secret(`${second.refreshToken.slice(0, -2)}xx`))
    await client.as(secret(`${registered.accessToken}x`)).send('{ protected }')

    const login = await client.send(
      `mutation { login(email: "${email}", password: "${password}", transport: COOKIE) { ${authPayload} } }`,
    )
    keep(login, 'login')
    const cookie = login.headers.get('set-cookie')!.split(';', 1)[0]!
    secret(cookie.split('=')[1]!)
    const refreshed = await client.send('mutation { refreshToken { accessToken } }', undefined, {
      cookie,
    })
    secret(refreshed.headers.get('set-cookie')!.split(';', 1)[0]!.split('=')[1]!)
    const { accessToken } = refreshed.data.refreshToken
    const me = client.as(secret(accessToken))
    await client.send('{ __typename }', undefined, { 'user-agent': secret('Canary Browser') })
    await client.login(email, password)
    await me.send('{ me { events(first: 100) { edges { node { type ip } } } } }')
    await me.send('{ me { id email name sessions { id userAgent } } }', undefined, { cookie })
    const change =
      'mutation ($old: String, $new: String!) { changePassword(currentPassword: $old, newPassword: $new) { accessToken refreshToken } }'
    await me.send(change, { old: secret('canary not current'), new: newPassword })
    await me.send(change, { old: password, new: secret('canary') })
    keep(await me.send(change, { old: password, new: newPassword }), 'changePassword')
    const [row] = await server.database.query('select password_hash from users where email = ?', [
      email,
    ])
    secret(row!['password_hash'] as string)

    const inUrl = new URLSearchParams({
      query: 'mutation ($p: String!) { login(email: "a@b.c", password: $p) { tokenType } }',
      variables: JSON.stringify({ p: secret('canary in the address') }),
    })
    await fetch(`${url}/graphql?${inUrl.toString()}`, {
      headers: { 'apollo-require-preflight': '1' },
    })
    await fetch(`${url}/graphql?access_token=${accessToken}`)
    await fetch(`${url}/graphql`, { method: 'POST', headers: json, body: `{"query": "${password}` })
    await fetch(`${url}/graphql`, { method: 'POST', body: new URLSearchParams({ password }) })
    await sendRaw(
      url,
      rawRequest('GET /health/live', [`X-Bad: ${password}\x01`, `Cookie: ${cookie}`]),
    )
    await sendRaw(url, rawRequest(`GET /%zz?password=${secret('canary-in-a-broken-address')}`))
    await client.send('{ __typename }', undefined, {
      authorization: `Basic ${btoa(`${email}:${password}`)}`,
    })
    secret(btoa(`${email}:${password}`))

    await server.database.query('alter table users rename to gone')
    await client.send(
      `mutation { register(email: "x.${email}", password: "${password}") { tokenType } }`,
    )
    await client.login(email, newPassword)
    await client.refresh(second.refreshToken)
    await server.database.query('alter table gone rename to users')
    await me.send('mutation { logout }', undefined, { cookie })

    const trail = JSON.stringify(await server.database.query('select * from audit_events'))
    expect(trail).toContain('REFRESH_TOKEN_REUSED')
    expect(Array.from(secrets).filter((each) => each !== '' && trail.includes(each))).toEqual([])
    expect(trail).not.toMatch(/canary/i)

    const log = server.logText()
    expect(log).toContain('"type":"PASSWORD_CHANGED"')
    expect(log.split('\n').length).toBeGreaterThan(30)
    expect(log).toContain('"level":"error"')
    const found = Array.from(secrets).filter((each) => each !== '' && log.includes(each))
    expect(found).toEqual([])
    expect(log).not.toMatch(/canary/i)
    expect(log).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}/)
  })
})

describe('a password in the wrong place', () => {
  const login = (parameters: string) => `mutation { login(${parameters}) { tokenType } }`
  const withVariable =
    'mutation ($p: String!) { login(email: "ada@example.com", password: $p) { tokenType } }'
  const places: [what: string, request: Record<string, unknown>][] = [
    ['an object', { query: withVariable, variables: { p: { a: canary } } }],
    ['a key of an object', { query: withVariable, variables: { p: { [canary]: 1 } } }],
    ['an array', { query: withVariable, variables: { p: [[canary]] } }],
    ['a literal object', { query: login(`email: "a@b.c", password: { a: "${canary}" }`) }],
    ['a literal array', { query: login(`email: "a@b.c", password: ["${canary}"]`) }],
    [
      'a value of an enum',
      { query: login(`email: "a@b.c", password: "x", transport: ${canary.replace('-', '')}`) },
    ],
    [
      'a text for an enum',
      { query: login(`email: "a@b.c", password: "x", transport: "${canary}"`) },
    ],
    [
      'a variable for an enum',
      {
        query:
          'mutation ($t: TokenTransport!) { login(email: "a@b.c", password: "x", transport: $t) { tokenType } }',
        variables: { t: canary },
      },
    ],
    ['without quotes', { query: login(`email: "a@b.c", password: ${canary.replace('-', '')}`) }],
    ['without the closing quote', { query: login(`email: "a@b.c", password: "${canary}`) }],
    ['with a quote too many', { query: login(`email: "a@b.c", password: "x"${canary}"`) }],
    ['with the wrong quotes', { query: login(`email: "a@b.c", password: '${canary}'`) }],
    ['with a broken escape', { query: login(`email: "a@b.c", password: "\\${canary}"`) }],
    ['without a name', { query: login(`email: "a@b.c", "${canary}"`) }],
    ['without a colon', { query: login(`email: "a@b.c", password "${canary}"`) }],
    ['as a block', { query: login(`email: "a@b.c", """${canary}"""`) }],
    [
      'a default',
      {
        query: `mutation ($p: Int = "${canary}") { login(email: "a@b.c", password: $p) { tokenType } }`,
      },
    ],
    ['an operation name', { query: '{ __typename }', operationName: canary }],
    ['the address', { query: login(`email: "${canary}", password: "x"`) }],
    ['a description', { query: `"${canary}" { __typename }` }],
    ['the variables', { query: withVariable, variables: canary }],
    ['the extensions', { query: '{ __typename }', extensions: canary }],
    ['the persisted query', { extensions: { persistedQuery: { version: 1, sha256Hash: canary } } }],
    [
      'a refresh token',
      { query: `mutation { refreshToken(refreshToken: "${canary}") { tokenType } }` },
    ],
    ['a session', { query: `mutation { logout(refreshToken: "${canary}") }` }],
  ]

  it.each(places)('comes back neither in the answer nor in the log: %s', async (_what, request) => {
    const { length } = server.logText()
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify(request),
    })
    const text = await response.text()
    expect(text).toMatch(/^{"(errors|data)"/)
    expect(text.replaceAll('-', '')).not.toContain('canary')
    expect(server.logText().slice(length)).not.toContain('canary')
    expect(server.logText().slice(length)).toContain('"path":"/graphql"')
  })
})
