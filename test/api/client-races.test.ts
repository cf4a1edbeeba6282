// What overtakes what: sign-outs, sign-ins, renewals and answers that come late.
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
  vi,
} from 'vitest'
import {
  MeDocument,
  NetworkError,
  ProtectedDocument,
  type AuthClient,
  type TabMessage,
} from '../../client/index.ts'
import { until } from '../support/patience.ts'
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
afterEach(() => {
  vi.unstubAllGlobals()
})
afterAll(() => server.close())

/** The page's own, which outlives it. */
function stubStorage() {
  // Not a stub: clients are closed after stubs are gone.
  const ignore = () => undefined
  Object.assign(globalThis, { addEventListener: ignore, removeEventListener: ignore })
  vi.stubGlobal('document', {})
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => browser.storage.get(key) ?? null,
    setItem: (key: string, value: string) => void browser.storage.set(key, value),
    removeItem: (key: string) => void browser.storage.delete(key),
  })
}

/** Holds the answers to an operation back until they are let go; the server has done its work. */
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

describe('an answer that comes after the sign-out', () => {
  it('to a renewal brings nobody back', async () => {
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
    // Ended on the way: the answer is a refusal.
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
    // That of `register`, and the one just begun.
    expect(sessions.data.me.sessions).toHaveLength(2)
  })
})

describe('what one person asked for', () => {
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
  it('that was sent before the sign-out and comes after it brings nobody back', async () => {
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

describe('a sign-out', () => {
  it('holds where the server cannot be reached, and is told it when it can', async () => {
    browser.network = () => Promise.reject(new TypeError('Failed to fetch'))
    stubStorage()
    await expect(auth.logout()).rejects.toBeInstanceOf(NetworkError)
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect(browser.cookie).not.toBe('')

    // The page is loaded again, still without a network, then with one.
    const reloaded = browser.open()
    await expect(reloaded.start()).rejects.toBeInstanceOf(NetworkError)
    expect(reloaded.state).toEqual({ status: 'unknown' })
    browser.network = (_sent, pass) => pass()
    browser.sent.length = 0
    server.advance(2)
    expect(await reloaded.start()).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect(browser.names()).toEqual(['Logout'])
    expect(browser.cookie).toBe('')
    expect(await browser.open().start()).toEqual({ status: 'signedOut' })
  })

  it('that the server has not heard of does not end who signs in afterwards', async () => {
    stubStorage()
    const other = browser.open()
    await other.start()
    browser.network = () => Promise.reject(new TypeError('Failed to fetch'))
    await expect(auth.logout()).rejects.toBeInstanceOf(NetworkError)
    browser.network = (_sent, pass) => pass()
    const grace = await server.client.register({ password })
    await other.login({ email: grace.email, password })
    await until(() => auth.state.status === 'signedIn')
    for (const tab of [auth, other]) {
      server.advance(accessTokenSeconds + 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await tab.request(MeDocument)).me.email).toBe(grace.email)
    }
  })

  it('holds however a page writes the address of the server', async () => {
    stubStorage()
    vi.stubGlobal('location', new URL(server.url))
    const short = browser.open({ url: '/graphql' })
    await short.start()
    browser.network = () => Promise.reject(new TypeError('Failed to fetch'))
    await expect(short.logout()).rejects.toBeInstanceOf(NetworkError)
    browser.network = (_sent, pass) => pass()
    expect(await browser.open().start()).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
  })

  it('of a page that does not know yet who is signed in signs out every tab', async () => {
    const reloaded = browser.open()
    await reloaded.logout()
    await until(() => auth.state.status === 'signedOut')
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
  })

  it('of all ends the sessions everywhere; of the others only those', async () => {
    const phone = await server.client.login(email, password)
    const onPhone = server.client.as(phone.data.login.accessToken)
    await auth.logout('OTHERS')
    expect((await onPhone.send('{ protected }')).reason).toBe('SESSION_ENDED')
    expect(auth.state).toMatchObject({ status: 'signedIn' })

    const tablet = await server.client.login(email, password)
    const onTablet = server.client.as(tablet.data.login.accessToken)
    server.advance(accessTokenSeconds - 60)
    await auth.logout('ALL')
    expect((await onTablet.send('{ protected }')).reason).toBe('SESSION_ENDED')
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect(browser.cookie).toBe('')
  })

  it('of all signs out every tab at once, and waits no longer for an answer than any other', async () => {
    stubStorage()
    const other = browser.open()
    await other.start()
    await until(() => other.state.status === 'signedIn')
    browser.network = () => new Promise(() => undefined)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    browser.sent.length = 0
    const failure = auth.logout('ALL').catch((error: unknown) => error)
    const isOut = () => [auth, other].every(({ state }) => state.status === 'signedOut')
    while (browser.sent.length === 0 || !isOut()) {
      // oxlint-disable-next-line no-await-in-loop -- until the message is there
      await new Promise((resolve) => setImmediate(resolve))
    }
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await failure).toBeInstanceOf(NetworkError)
    vi.useRealTimers()
    // It is made up for when the page is loaded again.
    browser.network = (_sent, pass) => pass()
    expect(await browser.open().start()).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect(browser.cookie).toBe('')
  })

  it('of all ends this session where the others are refused to it', async () => {
    const cookie = browser.cookie
    browser.network = ({ operation }, pass) =>
      operation === 'Logout' && browser.count('Logout') === 1
        ? Promise.resolve(
            Response.json({ errors: [{ message: 'No', extensions: { code: 'FORBIDDEN' } }] }),
          )
        : pass()
    await expect(auth.logout('ALL')).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    browser.cookie = cookie
    expect(await browser.open().start()).toMatchObject({ status: 'signedOut' })
  })

  it('of all holds with a clock that is wrong', async () => {
    const phone = await server.client.login(email, password)
    const stopped = browser.open({ clock: () => 0, coordination: 'none' })
    await stopped.start()
    server.advance(accessTokenSeconds + 1)
    await stopped.logout('ALL')
    expect((await server.client.refresh(phone.data.login.refreshToken)).reason).toBe(
      'SESSION_ENDED',
    )
  })

  it('of all never ends the sessions of another person', async () => {
    const grace = await server.client.register({ password })
    const other = browser.open({ coordination: 'none' })
    await other.login({ email: grace.email, password })
    server.advance(accessTokenSeconds + 1)
    await expect(auth.logout('ALL')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect((await server.client.refresh(grace.refreshToken)).code).toBeUndefined()
  })

  it('of all needs no token that is still good', async () => {
    server.advance(accessTokenSeconds + 1)
    browser.sent.length = 0
    await auth.logout('ALL')
    expect(browser.names()).toEqual(['RefreshToken', 'Logout'])
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
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

  it('is refused where the current one is wrong, which ends nothing', async () => {
    await expect(
      auth.changePassword({ currentPassword: 'not it', newPassword: 'battery staple correct' }),
    ).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })
})
