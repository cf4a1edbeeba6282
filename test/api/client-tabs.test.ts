// One session in several tabs, with what browsers have for it and what they may lack.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MeDocument, type AuthClient, type Platform } from '../../client/index.ts'
import { eventually } from '../support/patience.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let email: string
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ password }))
})
afterAll(() => server.close())

const signedIn = (auth: AuthClient) =>
  auth.state.status === 'signedIn' ? auth.state.user.email : auth.state.status

/** As an operator does, or the user on another device. */
async function endSessionsOf(address: string): Promise<void> {
  const { accessToken } = (await server.client.login(address, password)).data.login
  await server.client.as(accessToken).send('mutation { logout(scope: ALL) }')
}

async function openTwo(browser: Browser): Promise<[AuthClient, AuthClient]> {
  const tabs: [AuthClient, AuthClient] = [browser.open(), browser.open()]
  for (const tab of tabs) await tab.start()
  return tabs
}

const browsers: [name: string, parts: Partial<Platform>][] = [
  ['Web Locks and BroadcastChannel', {}],
  ['BroadcastChannel, without Web Locks', { locks: undefined }],
  ['Web Locks, without BroadcastChannel', { BroadcastChannel: undefined }],
  ['storage only', { locks: undefined, BroadcastChannel: undefined }],
  ['no storage', { storage: undefined }],
]

describe.each(browsers)('tabs with %s', (_name, parts) => {
  it('sign in and out together', async () => {
    const [one, other] = await openTwo(createBrowser(server, parts))
    await one.login({ email, password })
    await eventually(() => expect(signedIn(other)).toBe(email))
    expect((await other.request(MeDocument)).me.email).toBe(email)
    await other.logout()
    await eventually(() => expect(one.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' }))
  })

  it('follow the user who signs in last', async () => {
    const [one, other] = await openTwo(createBrowser(server, parts))
    await one.login({ email, password })
    await eventually(() => expect(signedIn(other)).toBe(email))
    const grace = await server.client.register({ password })
    await other.login({ email: grace.email, password })
    await eventually(() => expect(signedIn(one)).toBe(grace.email))
    expect((await one.request(MeDocument)).me.email).toBe(grace.email)
  })

  it('all stop showing a session that ended elsewhere once any of them notices', async () => {
    const browser = createBrowser(server, parts)
    const [one, other] = await openTwo(browser)
    await one.login({ email, password })
    await eventually(() => expect(signedIn(other)).toBe(email))
    await endSessionsOf(email)
    const reloaded = browser.open()
    expect(await reloaded.start()).toMatchObject({ status: 'signedOut' })
    for (const tab of [one, other]) {
      await eventually(() =>
        expect(tab.state).toEqual({ status: 'signedOut', reason: 'SESSION_ENDED' }),
      )
    }
  })

  it('all continue when their access token ends at the same moment', async () => {
    const browser = createBrowser(server, parts)
    const [one, other] = await openTwo(browser)
    await one.login({ email, password })
    await eventually(() => expect(signedIn(other)).toBe(email))
    for (let round = 0; round < 3; round += 1) {
      server.advance(accessTokenSeconds + 1)
      const answers = await Promise.all(
        [one, other].flatMap((tab) => [tab.request(MeDocument), tab.request(MeDocument)]),
      )
      expect(answers.map(({ me }) => me.email)).toEqual([email, email, email, email])
    }
    expect([signedIn(one), signedIn(other)]).toEqual([email, email])
  })
})

describe.each(browsers.filter(([, parts]) => !('BroadcastChannel' in parts)))(
  'tabs with %s',
  (_name, parts) => {
    it('renew once for all', async () => {
      const browser = createBrowser(server, parts)
      const tabs = Array.from({ length: 5 }, () => browser.open())
      await Promise.all(tabs.map((tab) => tab.start()))
      await tabs[0]!.login({ email, password })
      await eventually(() => expect(tabs.map(signedIn)).toEqual(tabs.map(() => email)))
      for (let round = 1; round <= 3; round += 1) {
        server.advance(accessTokenSeconds + 1)
        browser.sent.length = 0
        const answers = await Promise.all(tabs.map((tab) => tab.request(MeDocument)))
        expect(answers.map(({ me }) => me.email)).toEqual(tabs.map(() => email))
        expect(browser.count('RefreshToken')).toBe(1)
      }
    })
  },
)

describe('a tab', () => {
  it('ends when another tab starts without a cookie, if its session is over', async () => {
    const browser = createBrowser(server)
    const one = browser.open()
    await one.login({ email, password })
    await endSessionsOf(email)
    // A page of the same site, rendered on a server, has taken the cookie away.
    browser.cookie = ''
    expect(await browser.open().start()).toEqual({ status: 'signedOut' })
    await eventually(() =>
      expect(one.state).toEqual({ status: 'signedOut', reason: 'SESSION_ENDED' }),
    )
  })

  it('stays signed in when another tab starts without a cookie, if its session is alive', async () => {
    const browser = createBrowser(server)
    const one = browser.open()
    await one.login({ email, password })
    browser.cookie = ''
    browser.sent.length = 0
    expect(await browser.open().start()).toEqual({ status: 'signedOut' })
    await eventually(() => expect(browser.names()).toEqual(['RefreshToken', 'Me']))
    expect((await one.request(MeDocument)).me.email).toBe(email)
    expect(signedIn(one)).toBe(email)
  })

  it('keeps its own session when another tab hears of the end of an older one', async () => {
    const browser = createBrowser(server)
    const one = browser.open()
    await one.login({ email, password })
    const olderCookie = browser.cookie
    await endSessionsOf(email)
    const grace = await server.client.register({ password })
    await one.login({ email: grace.email, password })
    browser.sent.length = 0
    browser.cookie = olderCookie
    expect(await browser.open().start()).toMatchObject({ status: 'signedOut' })
    await eventually(() => expect(browser.names()).toEqual(['RefreshToken', 'Me']))
    expect((await one.request(MeDocument)).me.email).toBe(grace.email)
  })

  it('says that a refresh token was replayed, although another tab was told', async () => {
    const browser = createBrowser(server)
    const one = browser.open()
    await one.login({ email, password })
    const stolen = browser.cookie
    for (let rotation = 0; rotation < 2; rotation += 1) {
      server.advance(accessTokenSeconds + 1)
      await one.accessToken()
    }
    browser.cookie = stolen
    expect(await browser.open().start()).toMatchObject({ reason: 'REFRESH_TOKEN_REUSED' })
    await eventually(() =>
      expect(one.state).toEqual({ status: 'signedOut', reason: 'REFRESH_TOKEN_REUSED' }),
    )
  })

  it('takes over what another has renewed before it asked', async () => {
    const browser = createBrowser(server)
    const [one, other] = await openTwo(browser)
    await one.login({ email, password })
    await eventually(() => expect(signedIn(other)).toBe(email))
    server.advance(accessTokenSeconds + 1)
    const token = await one.accessToken()
    browser.sent.length = 0
    // The message may not have arrived yet.
    expect(await other.accessToken()).toBe(token)
    expect(browser.sent).toEqual([])
  })

  it('keeps the access token out of what is written to the disk', async () => {
    for (const [, parts] of browsers) {
      const browser = createBrowser(server, parts)
      const auth = browser.open()
      await auth.login({ email, password })
      server.advance(accessTokenSeconds + 1)
      const token = await auth.accessToken()
      expect(token).toBeTypeOf('string')
      expect(JSON.stringify([...browser.storage])).not.toContain('eyJ')
    }
  })

  it('waits with a sign-in until another has renewed: its cookie would be overwritten', async () => {
    const browser = createBrowser(server)
    const [one, other] = await openTwo(browser)
    await one.login({ email, password })
    await eventually(() => expect(signedIn(other)).toBe(email))
    const grace = await server.client.register({ password })
    server.advance(accessTokenSeconds + 1)
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    browser.network = async ({ operation }, pass) => {
      order.push(operation)
      if (operation === 'RefreshToken') {
        reached.resolve()
        await gate.promise
      }
      const response = await pass()
      order.push(`${operation} answered`)
      return response
    }
    const renewing = one.accessToken()
    await reached.promise
    const login = other.login({ email: grace.email, password })
    // Time enough for a sign-in that does not wait.
    await server.client.login(email, password)
    gate.resolve()
    await Promise.all([renewing, login])
    expect(order).toEqual(['RefreshToken', 'RefreshToken answered', 'Login', 'Login answered'])
    await eventually(() => expect(signedIn(one)).toBe(grace.email))
    const reloaded = browser.open()
    await reloaded.start()
    expect(signedIn(reloaded)).toBe(grace.email)
  })

  it('signs out although another holds the turn', async () => {
    const browser = createBrowser(server)
    const [one, other] = await openTwo(browser)
    await one.login({ email, password })
    await eventually(() => expect(signedIn(other)).toBe(email))
    server.advance(accessTokenSeconds + 1)
    const reached = Promise.withResolvers<void>()
    browser.network = ({ operation }, pass) => {
      if (operation !== 'RefreshToken') return pass()
      reached.resolve()
      return new Promise(() => undefined)
    }
    const renewing = one.accessToken().catch((error: unknown) => error)
    await reached.promise
    await other.logout()
    expect(await renewing).toMatchObject({
      serverError: { code: 'UNAUTHENTICATED', reason: 'SESSION_ENDED' },
    })
    expect(one.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
  })

  it('continues if the tab that it asks has been closed', async () => {
    const browser = createBrowser(server)
    const [one, other] = await openTwo(browser)
    await one.login({ email, password })
    await eventually(() => expect(signedIn(other)).toBe(email))
    server.advance(accessTokenSeconds + 1)
    await one.accessToken()
    one.close()
    server.advance(accessTokenSeconds + 1)
    expect((await other.request(MeDocument)).me.email).toBe(email)
  })
})
