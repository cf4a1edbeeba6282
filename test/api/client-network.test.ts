// A network that fails: what was lost is fetched again, and no one is signed out by it.
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  AuthError,
  MeDocument,
  NetworkError,
  ProtectedDocument,
  type AuthClient,
} from '../../client/index.ts'
import { createBrowser, type Browser, type Sent } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let browser: Browser
let auth: AuthClient
let email: string
/** What the client has put off, to be run by the test. */
let putOff: { readonly task: () => void; readonly milliseconds: number }[]
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ password }))
  browser = createBrowser(server)
  putOff = []
  auth = browser.open({ schedule })
  await auth.login({ email, password })
})
afterAll(() => server.close())

function schedule(task: () => void, milliseconds: number) {
  const entry = { task, milliseconds }
  putOff.push(entry)
  return () => void (putOff = putOff.filter((other) => other !== entry))
}

const unreachable = () => Promise.reject(new TypeError('Failed to fetch'))

/** The next `times` answers to an operation get lost on the way back: the server has done its work. */
function loseAnswers(operation: string, times: number) {
  let left = times
  browser.network = async (sent, pass) => {
    if (sent.operation !== operation || left === 0) return pass()
    left -= 1
    const { cookie } = browser
    await pass()
    browser.cookie = cookie
    throw new TypeError('Failed to fetch')
  }
}

/** Answers to an operation in the server's place. */
function answerInstead(operation: string, answer: () => Response) {
  browser.network = async (sent: Sent, pass) => (sent.operation === operation ? answer() : pass())
}

describe('a renewal', () => {
  it('whose response is lost is asked for again, and gets the same', async () => {
    server.advance(accessTokenSeconds + 1)
    loseAnswers('RefreshToken', 1)
    browser.sent.length = 0
    expect((await auth.request(MeDocument)).me.email).toBe(email)
    expect(browser.names()).toEqual(['RefreshToken', 'RefreshToken', 'Me'])
    server.advance(accessTokenSeconds + 1)
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })

  it('brings a token whose lifetime counts from the request, however late the response', async () => {
    server.advance(accessTokenSeconds + 1)
    browser.network = async ({ operation }, pass) => {
      const response = await pass()
      if (operation === 'RefreshToken') server.advance(600)
      return response
    }
    await auth.accessToken()
    browser.network = (_sent, pass) => pass()
    server.advance(accessTokenSeconds - 599)
    browser.sent.length = 0
    expect((await auth.request(MeDocument)).me.email).toBe(email)
    expect(browser.names()).toEqual(['RefreshToken', 'Me'])
  })

  it('that the network cuts off fails what waits for it, and leaves the session', async () => {
    server.advance(accessTokenSeconds + 1)
    browser.network = unreachable
    const waiting = await Promise.allSettled([
      auth.request(MeDocument),
      auth.request(ProtectedDocument),
      auth.fetch(`${server.url}/graphql`, { method: 'POST', body: '{}' }),
      auth.accessToken(),
    ])
    for (const { status, reason } of waiting as PromiseRejectedResult[]) {
      expect(status).toBe('rejected')
      expect(reason).toBeInstanceOf(NetworkError)
    }
    expect(auth.state).toMatchObject({ status: 'signedIn' })
    browser.network = (_sent, pass) => pass()
    server.advance(2)
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })

  it('continues in the background, a while longer each time, until it gets a response', async () => {
    server.advance(accessTokenSeconds + 1)
    // The server has rotated: without a response within the grace window the session would be lost.
    loseAnswers('RefreshToken', 7)
    const refused = await auth.accessToken().catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(NetworkError)
    const waits = []
    while (putOff.length > 0) {
      expect(putOff).toHaveLength(1)
      const [{ milliseconds, task }] = putOff.splice(0) as [(typeof putOff)[number]]
      waits.push(milliseconds)
      task()
      // A call waits for the attempt that is under way.
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await auth.accessToken().catch(() => undefined)
    }
    expect(waits).toEqual([1000, 2000, 4000])
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })

  it.each([1, 2, 3])('keeps the session where %i answers never come', async (lost) => {
    const patient = browser.open()
    await patient.start()
    server.advance(accessTokenSeconds + 1)
    browser.sent.length = 0
    let onTheirWay = 0
    browser.network = async (_sent, pass) => {
      const isLost = browser.count('RefreshToken') <= lost
      const { cookie } = browser
      onTheirWay += 1
      const response = await pass().finally(() => (onTheirWay -= 1))
      if (!isLost) return response
      // The server has done its work; the connection stays open, and silent.
      browser.cookie = cookie
      return new Promise(() => undefined)
    }
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const first = patient.accessToken().catch((error: unknown) => error)
    // oxlint-disable-next-line no-unmodified-loop-condition -- the network modifies it
    while (browser.count('RefreshToken') <= lost || onTheirWay > 0) {
      // oxlint-disable-next-line no-await-in-loop -- second by second, as fast as the answers come
      await new Promise((resolve) => setImmediate(resolve))
      if (onTheirWay > 0) continue
      server.advance(1)
      // oxlint-disable-next-line no-await-in-loop -- as above
      await vi.advanceTimersByTimeAsync(1000)
    }
    vi.useRealTimers()
    await first
    expect((await patient.request(MeDocument)).me.email).toBe(email)
    expect(patient.state).toMatchObject({ status: 'signedIn' })
  })

  it('gives up in the background after a quarter of a minute, and tries again when it is asked', async () => {
    server.advance(accessTokenSeconds + 1)
    browser.network = unreachable
    await auth.accessToken().catch(() => undefined)
    const waits = []
    while (putOff.length > 0) {
      const [{ milliseconds, task }] = putOff.splice(0) as [(typeof putOff)[number]]
      waits.push(milliseconds)
      task()
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await auth.accessToken().catch(() => undefined)
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000])
    browser.network = (_sent, pass) => pass()
    server.advance(2)
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })

  it('that fails early leaves the old token in use as long as it is good', async () => {
    server.advance(accessTokenSeconds - 20)
    answerInstead('RefreshToken', () => new Response('Bad gateway', { status: 502 }))
    expect((await auth.request(MeDocument)).me.email).toBe(email)
    expect(browser.count('RefreshToken')).toBe(2)
    server.advance(21)
    await expect(auth.request(MeDocument)).rejects.toBeInstanceOf(NetworkError)
  })

  it('waits as long as the server says', async () => {
    server.advance(accessTokenSeconds + 1)
    const limited = { code: 'RATE_LIMITED', retryAfter: 60 }
    const body = { errors: [{ message: 'Too many attempts.', extensions: limited }], data: null }
    answerInstead('RefreshToken', () => Response.json(body, { status: 429 }))
    browser.sent.length = 0
    for (let attempt = 0; attempt < 3; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await expect(auth.request(MeDocument)).rejects.toMatchObject({ serverError: limited })
    }
    expect(browser.names()).toEqual(['RefreshToken'])
    expect(putOff.map(({ milliseconds }) => milliseconds)).toEqual([60_000])
    expect(auth.state).toMatchObject({ status: 'signedIn' })
    browser.network = (_sent, pass) => pass()
    server.advance(61)
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })

  it('that the server is too busy for leaves the session', async () => {
    server.advance(accessTokenSeconds + 1)
    const extensions = { code: 'INTERNAL_SERVER_ERROR', requestId: 'abc' }
    const body = { errors: [{ message: 'Internal server error', extensions }] }
    answerInstead('RefreshToken', () => Response.json(body, { status: 503 }))
    await expect(auth.request(MeDocument)).rejects.toBeInstanceOf(AuthError)
    expect(auth.state).toMatchObject({ status: 'signedIn' })
    browser.network = (_sent, pass) => pass()
    server.advance(2)
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })
})

describe('the start', () => {
  it('that is not answered leaves open who is signed in, and can be repeated', async () => {
    const reloaded = browser.open({ schedule })
    browser.network = unreachable
    await expect(reloaded.start()).rejects.toBeInstanceOf(NetworkError)
    await expect(reloaded.request(MeDocument)).rejects.toBeInstanceOf(NetworkError)
    expect(reloaded.state).toEqual({ status: 'unknown' })
    browser.network = (_sent, pass) => pass()
    server.advance(2)
    expect(await reloaded.start()).toMatchObject({ status: 'signedIn', user: { email } })
  })

  it('is made up for by itself when the network is back', async () => {
    const reloaded = browser.open({ schedule })
    browser.network = unreachable
    await expect(reloaded.start()).rejects.toBeInstanceOf(NetworkError)
    browser.network = (_sent, pass) => pass()
    const known = new Promise<void>((resolve) => void reloaded.subscribe(resolve))
    putOff[0]!.task()
    await known
    expect(reloaded.state).toMatchObject({ status: 'signedIn', user: { email } })
  })

  it('asks once, however many wait for it', async () => {
    const reloaded = browser.open()
    browser.sent.length = 0
    const requests = Array.from({ length: 10 }, () => reloaded.request(MeDocument))
    await Promise.all([reloaded.start(), reloaded.start(), ...requests])
    await reloaded.start()
    expect(browser.count('RefreshToken')).toBe(1)
  })
})

describe('who waits for a renewal', () => {
  it('can give up, which leaves it to the others', async () => {
    server.advance(accessTokenSeconds + 1)
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    browser.network = async ({ operation }, pass) => {
      if (operation === 'RefreshToken') {
        reached.resolve()
        await gate.promise
      }
      return pass()
    }
    browser.sent.length = 0
    const controller = new AbortController()
    const { signal } = controller
    const impatient = Promise.allSettled([
      auth.request(ProtectedDocument, {}, { signal }),
      auth.fetch(`${server.url}/graphql`, { signal }),
    ])
    const patient = auth.request(MeDocument)
    await reached.promise
    const enough = new Error('enough')
    controller.abort(enough)
    const givenUp = { status: 'rejected', reason: enough }
    expect(await impatient).toEqual([givenUp, givenUp])
    gate.resolve()
    expect((await patient).me.email).toBe(email)
    expect(browser.names()).toEqual(['RefreshToken', 'Me'])
  })
})

describe('a clock that is wrong', () => {
  it('costs a second attempt, not the session', async () => {
    let isBehind = 0
    const slow = browser.open({ clock: () => server.now() - isBehind })
    await slow.start()
    // The machine was asleep, or the clock was set back.
    server.advance(accessTokenSeconds + 1)
    isBehind = (accessTokenSeconds + 1) * 1000
    browser.sent.length = 0
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => slow.request(ProtectedDocument)),
    )
    expect(answers.every(({ protected: text }) => text.includes(email))).toBe(true)
    expect(browser.count('RefreshToken')).toBe(1)
    expect(browser.count('Protected')).toBe(200)
  })

  it('that is far ahead or behind makes no difference as long as it goes', async () => {
    for (const offset of [-1e12, 1e12]) {
      const wrong = browser.open({ clock: () => server.now() + offset, coordination: 'none' })
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await wrong.start()
      browser.sent.length = 0
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await wrong.request(MeDocument)
      server.advance(accessTokenSeconds + 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await wrong.request(MeDocument)
      expect(browser.names()).toEqual(['Me', 'RefreshToken', 'Me'])
    }
  })
})
