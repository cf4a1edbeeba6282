// An app that keeps the tokens itself: on a phone, in a test, while rendering on a server.
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  MeDocument,
  NetworkError,
  createAuthClient,
  memoryTokenStore,
  type AuthClientOptions,
  type Tokens,
  type TokenStore,
} from '../../client/index.ts'
import { eventually } from '../support/patience.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let browser: Browser
let email: string
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ password }))
  browser = createBrowser(server)
})
afterAll(() => server.close())

/** As an app does it: without tabs. */
const open = (tokens: TokenStore, options: Partial<AuthClientOptions> = {}) =>
  browser.open({ tokens, coordination: 'none', ...options })

/** One that takes its time, as the key chain of a phone does. */
function slowStore(): TokenStore & { kept: Tokens | undefined } {
  const later = () => new Promise((resolve) => setTimeout(resolve, 5))
  return {
    kept: undefined,
    async read() {
      await later()
      return this.kept
    },
    async write(tokens) {
      await later()
      this.kept = tokens
    },
    async clear() {
      await later()
      this.kept = undefined
    },
  }
}

describe('a session in a store', () => {
  it('needs no cookie, outlives its access token and the program, and leaves nothing behind', async () => {
    const store = slowStore()
    const auth = open(store)
    expect(await auth.start()).toEqual({ status: 'signedOut' })
    await auth.login({ email, password })
    expect(store.kept?.refreshToken).toMatch(/^lkr_/)
    expect(browser.cookie).toBe('')

    server.advance(accessTokenSeconds + 1)
    const before = store.kept
    await Promise.all(Array.from({ length: 100 }, () => auth.request(MeDocument)))
    expect(browser.count('RefreshToken')).toBe(1)
    expect(store.kept?.refreshToken).not.toBe(before?.refreshToken)

    // Started again, with a good token and with a stale one.
    browser.sent.length = 0
    expect(await open(store).start()).toMatchObject({ status: 'signedIn', user: { email } })
    expect(browser.names()).toEqual(['Me'])
    server.advance(accessTokenSeconds + 1)
    expect(await open(store).start()).toMatchObject({ status: 'signedIn', user: { email } })
    expect(browser.names()).toEqual(['Me', 'RefreshToken'])

    await auth.logout()
    expect(store.kept).toBeUndefined()
    expect(await open(store).start()).toEqual({ status: 'signedOut' })
  })

  it('is cleared if the server says that it is over', async () => {
    const store = memoryTokenStore()
    await open(store).login({ email, password })
    const elsewhere = await server.client.login(email, password)
    await server.client
      .as(elsewhere.data.login.accessToken)
      .send('mutation { logout(scope: OTHERS) }')
    expect(await open(store).start()).toEqual({ status: 'signedOut', reason: 'SESSION_ENDED' })
    expect(store.read()).toBeUndefined()
  })

  it('is cleared if the server does not know its tokens', async () => {
    const store = memoryTokenStore()
    await open(store).login({ email, password })
    const stranger = await startServer({ APP_SECRET: 'another secret, of at least 32 bytes' })
    const auth = createAuthClient({
      url: `${stranger.url}/graphql`,
      tokens: store,
      clock: server.now,
    })
    expect(await auth.start()).toEqual({ status: 'signedOut', reason: 'TOKEN_INVALID' })
    expect(store.read()).toBeUndefined()
  })

  it('is not cleared if the server is not reached', async () => {
    const store = memoryTokenStore()
    await open(store).login({ email, password })
    server.advance(accessTokenSeconds + 1)
    browser.network = () => Promise.reject(new TypeError('Failed to fetch'))
    await expect(open(store).start()).rejects.toThrow('reached')
    expect(store.read()).toBeDefined()
  })

  it('starts with a refresh token alone', async () => {
    const { refreshToken } = await server.client.register({ email: `b${email}`, password })
    const store = memoryTokenStore({ accessToken: '', expiresAt: 0, refreshToken })
    expect(await open(store).start()).toMatchObject({ user: { email: `b${email}` } })
  })

  it('lets a new password keep it', async () => {
    const store = memoryTokenStore()
    const auth = open(store)
    await auth.login({ email, password })
    await auth.changePassword({ currentPassword: password, newPassword: 'battery staple correct' })
    server.advance(accessTokenSeconds + 1)
    expect((await auth.request(MeDocument)).me.email).toBe(email)
    expect(await open(store).start()).toMatchObject({ status: 'signedIn' })
  })
})

describe('tabs that share a store', () => {
  it('sign in, renew and sign out together; none has another one’s refresh token told', async () => {
    const store = slowStore()
    const told: unknown[] = []
    class Overheard extends BroadcastChannel {
      override postMessage(message: unknown) {
        told.push(message)
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
        super.postMessage(message)
      }
    }
    browser = createBrowser(server, { BroadcastChannel: Overheard })
    const tabs = [1, 2, 3].map(() => browser.open({ tokens: store }))
    await Promise.all(tabs.map((tab) => tab.start()))
    await tabs[0]!.login({ email, password })
    const states = () => tabs.map(({ state }) => state.status)
    await eventually(() => expect(states()).toEqual(['signedIn', 'signedIn', 'signedIn']))
    server.advance(accessTokenSeconds + 1)
    browser.sent.length = 0
    const answers = await Promise.all(tabs.map((tab) => tab.request(MeDocument)))
    expect(answers.map(({ me }) => me.email)).toEqual([email, email, email])
    expect(browser.count('RefreshToken')).toBe(1)
    await tabs[2]!.logout()
    await eventually(() => expect(states()).toEqual(['signedOut', 'signedOut', 'signedOut']))
    expect(JSON.stringify(told)).not.toContain('lkr_')
  })
})

describe('a store that takes its time', () => {
  it('brings no session back that ended in another tab, also without a network', async () => {
    const store = slowStore()
    const [one, other] = [browser.open({ tokens: store }), browser.open({ tokens: store })]
    await Promise.all([one.start(), other.start()])
    await one.login({ email, password })
    await eventually(() => expect(other.state.status).toBe('signedIn'))
    const gate = Promise.withResolvers<void>()
    const clear = store.clear.bind(store)
    store.clear = () => gate.promise.then(clear)
    browser.network = () => Promise.reject(new TypeError('Failed to fetch'))
    const signedOut = other.logout().catch((error: unknown) => error)
    await eventually(() => expect(other.state.status).toBe('signedOut'))
    // Anyone who looks before the tokens are gone does not hear of it yet.
    await one.accessToken()
    gate.resolve()
    expect(await signedOut).toBeInstanceOf(NetworkError)
    await eventually(() => expect(one.state.status).toBe('signedOut'))
    browser.network = (_sent, pass) => pass()
    server.advance(accessTokenSeconds + 1)
    expect(await one.accessToken()).toBeUndefined()
    expect(store.kept).toBeUndefined()
  })

  it('gets no tokens of a renewal that was under way when another tab signed out', async () => {
    const store = slowStore()
    const [one, other] = [browser.open({ tokens: store }), browser.open({ tokens: store })]
    await Promise.all([one.start(), other.start()])
    await one.login({ email, password })
    await eventually(() => expect(other.state.status).toBe('signedIn'))
    const writes = vi.spyOn(store, 'write')
    server.advance(accessTokenSeconds + 1)
    const gate = Promise.withResolvers<void>()
    browser.network = async ({ operation }, pass) => {
      if (operation === 'Logout') throw new TypeError('Failed to fetch')
      if (operation === 'RefreshToken') await gate.promise
      return pass()
    }
    browser.sent.length = 0
    const waiting = one.accessToken().catch((error: unknown) => error)
    await eventually(() => expect(browser.names()).toEqual(['RefreshToken']))
    const signedOut = other.logout().catch((error: unknown) => error)
    await eventually(() => expect(store.kept).toBeUndefined())
    // That the other tab has told arrives before the response.
    await new Promise((resolve) => setImmediate(resolve))
    gate.resolve()
    expect(await signedOut).toBeInstanceOf(NetworkError)
    await waiting
    await eventually(() => expect(one.state.status).toBe('signedOut'))
    expect(store.kept).toBeUndefined()
    // Not even for a moment, in which the app could be closed.
    expect(writes).not.toHaveBeenCalled()
  })

  it('that was emptied by someone else ends the session', async () => {
    const store = memoryTokenStore()
    const auth = open(store)
    await auth.login({ email, password })
    await store.clear()
    server.advance(accessTokenSeconds + 1)
    await expect(auth.request(MeDocument)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect(store.read()).toBeUndefined()
  })

  it('and fails to keep the tokens signs no one in', async () => {
    const full = new Error('The key chain is locked.')
    const auth = open({ ...memoryTokenStore(), write: () => Promise.reject(full) })
    await expect(auth.login({ email, password })).rejects.toBe(full)
    expect(auth.state.status).not.toBe('signedIn')
  })

  it('keeps no tokens that were written while the user signed out', async () => {
    const store = slowStore()
    const auth = open(store)
    await auth.login({ email, password })
    server.advance(accessTokenSeconds + 1)
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const write = store.write.bind(store)
    store.write = (tokens) => {
      reached.resolve()
      return gate.promise.then(() => write(tokens))
    }
    const waiting = auth.accessToken().catch((error: unknown) => error)
    await reached.promise
    const signedOut = auth.logout()
    await eventually(() => expect(store.kept).toBeUndefined())
    gate.resolve()
    await signedOut
    await waiting
    expect(auth.state.status).toBe('signedOut')
    expect(store.kept).toBeUndefined()
  })
})

describe('clients in one Node process', () => {
  it('have nothing to do with each other, though Node has channels and locks as well', async () => {
    const grace = await server.client.register({ password })
    // Since version 25 it has storage too, one for the whole program.
    const used: unknown[] = []
    const storage = new Proxy({}, { get: (_target, name) => void used.push(name) })
    vi.stubGlobal('localStorage', storage)
    vi.stubGlobal('sessionStorage', storage)
    onTestFinished(() => void vi.unstubAllGlobals())
    const url = `${server.url}/graphql`
    const one = createAuthClient({ url, tokens: memoryTokenStore(), clock: server.now })
    const other = createAuthClient({ url, tokens: memoryTokenStore(), clock: server.now })
    await Promise.all([one.start(), other.start()])
    await one.login({ email, password })
    await other.login({ email: grace.email, password })
    await one.providerLogin.begin('nobody', { redirectUri: url }).catch(() => undefined)
    await one.providerLogin.complete(`${url}?state=s&code=c`).catch(() => undefined)
    expect([one.state, other.state]).toMatchObject([
      { user: { email } },
      { user: { email: grace.email } },
    ])
    await one.logout()
    expect(used).toEqual([])
    expect((await other.request(MeDocument)).me.email).toBe(grace.email)
  })
})
