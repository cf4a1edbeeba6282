// What overtakes what: sign-outs, sign-ins, renewals and responses that come late.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  MeDocument,
  ProtectedDocument,
  type AuthClient,
  type TabMessage,
} from '../../client/index.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let browser: Browser
let auth: AuthClient
let email: string
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ password }))
  browser = createBrowser(server)
  auth = browser.open()
  await auth.login({ email, password })
})
afterAll(() => server.close())

/** Holds the responses to an operation back until they are let go; the server has done its work. */
function holdBack(operation: string) {
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  browser.network = async (sent, pass) => {
    const response = await pass()
    if (sent.operation === operation) {
      reached.resolve()
      await gate.promise
    }
    return response
  }
  return { reached: reached.promise, letGo: () => gate.resolve() }
}

const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => error)

const refusal = (reason: string) => ({ serverError: { code: 'UNAUTHENTICATED', reason } })

describe('a response that comes after the sign-out', () => {
  it('to a renewal brings no one back', async () => {
    server.advance(accessTokenSeconds + 1)
    const { letGo, reached } = holdBack('RefreshToken')
    const waiting = failureOf(auth.request(MeDocument))
    await reached
    await auth.logout()
    letGo()
    expect(await waiting).toMatchObject(refusal('SESSION_ENDED'))
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect(await auth.accessToken()).toBeUndefined()
    expect(await browser.open().start()).toMatchObject({ status: 'signedOut' })
  })

  it('to a request says nothing about who signs in next', async () => {
    const { letGo, reached } = holdBack('Protected')
    // Ended on the way: the response is a refusal.
    const first = await auth.accessToken()
    await server.client.as(first!).send('mutation { logout }')
    const late = failureOf(auth.request(ProtectedDocument))
    await reached
    const grace = await server.client.register({ password })
    await auth.login({ email: grace.email, password })
    letGo()
    expect(await late).toMatchObject(refusal('SESSION_ENDED'))
    expect(auth.state).toMatchObject({ status: 'signedIn', user: { email: grace.email } })
    expect((await auth.request(MeDocument)).me.email).toBe(grace.email)
  })

  it('to a sign-in that was under way ends that one too', async () => {
    const { letGo, reached } = holdBack('Login')
    const grace = await server.client.register({ password })
    const login = auth.login({ email: grace.email, password })
    await reached
    const logout = auth.logout()
    letGo()
    await Promise.all([login, logout])
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect(await browser.open().start()).toMatchObject({ status: 'signedOut' })
    const { data } = await server.client.login(grace.email, password)
    const sessions = await server.client
      .as(data.login.accessToken)
      .send('{ me { sessions { id } } }')
    // That of `register`, and the one just started.
    expect(sessions.data.me.sessions).toHaveLength(2)
  })
})

describe('what one user asked for', () => {
  it('is never sent as another', async () => {
    // The cookie has changed hands without a word, as it does where tabs cannot talk.
    const grace = await server.client.register({ password })
    const elsewhere = browser.open({ coordination: 'none' })
    await elsewhere.login({ email: grace.email, password })
    server.advance(accessTokenSeconds + 1)
    browser.sent.length = 0
    await expect(auth.request(ProtectedDocument)).rejects.toMatchObject(refusal('SESSION_ENDED'))
    expect(browser.names()).toEqual(['RefreshToken'])
    // From here on it is the other's page.
    expect(auth.state).toMatchObject({ status: 'signedIn', user: { email: grace.email } })
    expect((await auth.request(ProtectedDocument)).protected).toContain(grace.email)
  })
})

describe('a message of another tab', () => {
  it('that was sent before the sign-out and comes after it brings no one back', async () => {
    const told: TabMessage[] = []
    let hear: (message: TabMessage) => void = () => undefined
    const tab = browser.open({
      coordination: {
        exclusive: (task) => task(),
        tell: (message) => void told.push(message),
        listen: (listener) => {
          hear = listener
          return () => undefined
        },
        close: () => undefined,
      },
    })
    await tab.login({ email, password })
    const [signIn] = told
    expect(signIn).toMatchObject({ type: 'session', cause: 'signIn' })
    await tab.logout()
    hear(signIn!)
    hear({ ...signIn, cause: 'renewal' } as TabMessage)
    expect(tab.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    // Nor does a sign-out of a session that is over end the next.
    await tab.login({ email, password })
    hear(told.find(({ type }) => type === 'signedOut')!)
    expect(tab.state).toMatchObject({ status: 'signedIn' })
    // An older token of the same session does not replace a newer one.
    const older = told.findLast(({ type }) => type === 'session')!
    server.advance(accessTokenSeconds + 1)
    const newer = await tab.accessToken()
    hear(older)
    expect(await tab.accessToken()).toBe(newer)
  })
})

describe('a new password', () => {
  it('keeps this session, in all tabs, and ends the others', async () => {
    const other = browser.open()
    await other.start()
    const phone = await server.client.login(email, password)
    server.advance(accessTokenSeconds + 1)
    // A renewal in another tab at the same time must not look like a replay.
    const [user] = await Promise.all([
      auth.changePassword({ currentPassword: password, newPassword: 'battery staple correct' }),
      other.accessToken(),
    ])
    expect(user.email).toBe(email)
    expect((await server.client.refresh(phone.data.login.refreshToken)).code).toBe(
      'INVALID_REFRESH_TOKEN',
    )
    for (let round = 0; round < 2; round += 1) {
      server.advance(accessTokenSeconds + 1)
      expect((await auth.request(MeDocument)).me.email).toBe(email)
      expect((await other.request(MeDocument)).me.email).toBe(email)
    }
  })
})
