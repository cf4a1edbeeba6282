// How a sign-out holds: without a network, in every tab, on every device.
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
import { MeDocument, NetworkError, type AuthClient } from '../../client/index.ts'
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

describe('a sign-out', () => {
  it('holds if the server cannot be reached, and is told it when it can', async () => {
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

  it('of all signs out every tab at once, and waits no longer for a response than any other', async () => {
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

  it('of all ends this session if the others are refused to it', async () => {
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

  it('of all never ends the sessions of another user', async () => {
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
