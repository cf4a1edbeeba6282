// How a session ends, and how it does not: each word of the server about a token.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MeDocument, ProtectedDocument, type AuthClient } from '../../client/index.ts'
import { eventually, until } from '../support/patience.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let browser: Browser
let auth: AuthClient
let other: AuthClient
let email: string
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ password }))
  browser = createBrowser(server)
  auth = browser.open()
  other = browser.open()
  await other.start()
  await auth.login({ email, password })
  await until(() => other.state.status === 'signedIn')
})
afterAll(() => server.close())

async function endElsewhere() {
  const { data } = await server.client.login(email, password)
  await server.client.as(data.login.accessToken).send('mutation { logout(scope: OTHERS) }')
}

async function disable() {
  await server.database.query('update users set disabled_at = 1 where email = ?', [email])
}

/** The refresh token of the cookie, used by someone else, twice and more. */
async function replay() {
  const stolen = decodeURIComponent(browser.cookie.split('=')[1]!)
  const first = await server.client.refresh(stolen)
  await server.client.refresh(first.data.refreshToken.refreshToken)
}

const endings: [
  what: string,
  happens: () => Promise<void>,
  isTokenStale: boolean,
  reason: string,
][] = [
  ['was ended on another device', endElsewhere, false, 'SESSION_ENDED'],
  ['was ended on another device, and the token is stale', endElsewhere, true, 'SESSION_ENDED'],
  ['belongs to an account that was disabled', disable, false, 'ACCOUNT_DISABLED'],
  ['belongs to an account that was disabled, stale', disable, true, 'ACCOUNT_DISABLED'],
  ['was replayed by a thief', replay, true, 'REFRESH_TOKEN_REUSED'],
  ['was not used for a month', async () => server.advance(31 * 86_400), true, 'TOKEN_EXPIRED'],
]

describe('a session that', () => {
  it.each(endings)('%s ends in all tabs, and says why', async (_what, happens, isStale, reason) => {
    await happens()
    if (isStale) server.advance(accessTokenSeconds + 1)
    browser.sent.length = 0
    const failures = await Promise.allSettled([
      auth.request(MeDocument),
      auth.request(ProtectedDocument),
    ])
    for (const failure of failures) {
      expect(failure).toMatchObject({
        status: 'rejected',
        reason: { serverError: { code: 'UNAUTHENTICATED' } },
      })
    }
    const ended = { status: 'signedOut', reason }
    await eventually(() => expect([auth.state, other.state]).toEqual([ended, ended]))
    expect(browser.count('RefreshToken')).toBeLessThanOrEqual(1)
    // It is over: nothing more is tried.
    browser.sent.length = 0
    expect(await auth.accessToken()).toBeUndefined()
    expect(await other.accessToken()).toBeUndefined()
    expect(browser.sent).toEqual([])
    // Someone else signs in.
    const grace = await server.client.register({ password })
    await other.login({ email: grace.email, password })
    await until(() => auth.state.status === 'signedIn')
  })

  it('has a token that the server does not know ends', async () => {
    const stranger = await startServer({ APP_SECRET: 'another secret, of at least 32 bytes' })
    const elsewhere = browser.open({ url: `${stranger.url}/graphql`, coordination: 'none' })
    // The cookie is not known there either.
    expect(await elsewhere.start()).toEqual({ status: 'signedOut', reason: 'TOKEN_INVALID' })
  })

  it('has lost its cookie ends when it would be renewed', async () => {
    browser.cookie = ''
    server.advance(accessTokenSeconds + 1)
    await expect(auth.request(MeDocument)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SESSION_ENDED' })
  })

  it('has ended before the page was loaded says why', async () => {
    await endElsewhere()
    expect(await browser.open({ coordination: 'none' }).start()).toEqual({
      status: 'signedOut',
      reason: 'SESSION_ENDED',
    })
  })
})

describe('a session stays', () => {
  it.each([
    ['a wrong password', 'INVALID_CREDENTIALS', { password: 'not the password' }],
    ['a disabled account', 'UNAUTHENTICATED', {}],
  ])('where a sign-in as someone else fails for %s', async (_what, code, input) => {
    const grace = await server.client.register({ password })
    await server.database.query('update users set disabled_at = 1 where email = ?', [grace.email])
    const credentials = { email: grace.email, password, ...input }
    await expect(auth.login(credentials)).rejects.toMatchObject({ code })
    // Also where it is sent past the client, with the token of the one who is signed in.
    const query =
      'mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { expiresIn } }'
    const response = await auth.fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: credentials }),
    })
    expect((await response.json()).errors[0].extensions.code).toBe(code)
    expect(auth.state).toMatchObject({ status: 'signedIn', user: { email } })
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })

  it('where something is forbidden, or does not exist', async () => {
    const send = (query: string) =>
      auth.fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      })
    expect((await send('{ nothing }')).status).toBe(400)
    expect((await send('not GraphQL')).status).toBe(400)
    expect(auth.state).toMatchObject({ status: 'signedIn' })
  })
})
