// The client of a front end in real tabs, with real Web Locks, messages, cookies and storage.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { plainHost } from '../support/browser.ts'
import { startServer, type TestServer } from '../support/server.ts'
import {
  openSessionBrowser,
  type Disturbance,
  type Missing,
  type SessionBrowser,
  type Tab,
} from '../support/session-tabs.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900
/** What the console says of a request that did not come through, or was refused. */
const cut = /ERR_CONNECTION_RESET/
const refused = /status of 401/

let server: TestServer
let email: string
beforeAll(async () => {
  server = await startServer({ ACCESS_TOKEN_LIFETIME: `${accessTokenSeconds}s` })
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ password }))
})
afterAll(() => server.close())

/** Two tabs, signed in from the first of them. */
async function openTwo(browser: SessionBrowser): Promise<[Tab, Tab]> {
  const tabs: [Tab, Tab] = [await browser.open(), await browser.open()]
  await signIn(tabs[0])
  await expect.poll(() => tabs[1].who()).toBe(email)
  browser.sent.length = 0
  return tabs
}

function signIn(tab: Tab): Promise<void> {
  return tab.evaluate(async (input) => void (await window.page.auth.login(input)), {
    email,
    password,
  })
}

/** Another device of the same user signs out all others. */
async function endElsewhere(): Promise<void> {
  const { data } = await server.client.login(email, password)
  const elsewhere = server.client.as(data.login.accessToken)
  await elsewhere.send('mutation { logout(scope: OTHERS) }')
}

/** @returns whether it is the same page that comes back, out of the back/forward cache */
async function leaveAndComeBack(tab: Tab, meanwhile: () => Promise<void>): Promise<boolean> {
  await tab.evaluate(() => {
    document.title = 'The same page'
  })
  await tab.goto(`${server.url}/health/live`)
  await meanwhile()
  // A page out of the cache does not load.
  await tab.goBack({ waitUntil: 'commit' })
  await tab.waitForFunction(() => 'page' in window)
  return (await tab.title()) === 'The same page'
}

const whoEach = (tabs: readonly Tab[]) => Promise.all(tabs.map((tab) => tab.who()))
const readEach = (tabs: readonly Tab[]) =>
  Promise.all(tabs.flatMap((tab) => [tab.read(), tab.read(), tab.read()]))
/**
 * The same, where the second tab asks while the first renews. By a lease alone, two tabs that start in the
 * same instant may both renew: client/lock.ts says so.
 */
async function readWhileOneRenews(browser: SessionBrowser, [first, second]: readonly [Tab, Tab]) {
  const isSent = Promise.withResolvers<void>()
  const isSeen = Promise.withResolvers<void>()
  await browser.disturb('RefreshToken', async (route) => {
    isSent.resolve()
    await isSeen.promise
    await route.continue()
  })
  const ofFirst = readEach([first])
  await isSent.promise
  const hasLooked = await second.evaluateHandle(() => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { getItem } = Storage.prototype
    Storage.prototype.getItem = function (key) {
      const value = getItem.call(this, key)
      if (key.endsWith(' lease') && value !== null) {
        Storage.prototype.getItem = getItem
        resolve()
      }
      return value
    }
    return { promise }
  })
  const ofSecond = readEach([second])
  await hasLooked.evaluate(({ promise }) => promise)
  isSeen.resolve()
  const answers = [...(await ofFirst), ...(await ofSecond)]
  await browser.disturb('RefreshToken', undefined)
  return answers
}
const greeting = () => `Hello, ${email}! This is a protected field.`

// Without a channel a token could get from tab to tab by the disk only, if it does not belong: each
// tab then renews for itself.
const browsers: [name: string, missing: Missing[], mostRenewals: number][] = [
  ['all that a browser has', [], 1],
  ['no Web Locks', ['locks'], 1],
  ['no BroadcastChannel', ['BroadcastChannel'], 2],
  ['neither', ['locks', 'BroadcastChannel'], 2],
  ['no storage', ['localStorage'], 1],
]

describe.each(browsers)('two tabs with %s', (_name, missing, mostRenewals) => {
  it('sign in and out together', async () => {
    const browser = await openSessionBrowser(server, { missing })
    const tabs = await openTwo(browser)
    expect(await readEach(tabs)).toEqual(Array.from({ length: 6 }, greeting))
    await tabs[1].evaluate(() => window.page.auth.logout())
    await expect.poll(() => whoEach(tabs)).toEqual(['SIGNED_OUT', 'SIGNED_OUT'])
    expect(await browser.context.cookies()).toEqual([])
  })

  it('renew when their access token ends at the same moment, and both continue, time after time', async () => {
    const browser = await openSessionBrowser(server, { missing })
    const tabs = await openTwo(browser)
    const isByLeaseAlone = mostRenewals === 1 && missing.includes('locks')
    const { clock } = browser.context
    for (let round = 1; round <= 5; round += 1) {
      await browser.pass(accessTokenSeconds + 1)
      browser.sent.length = 0
      // A tab waits a moment for what another one tells it: here as long as that takes. Nothing else in
      // it needs a timer then.
      if (missing.length === 0) {
        await clock.pauseAt((await tabs[0].evaluate(() => Date.now())) + 10_000)
      }
      const answers = await (isByLeaseAlone ? readWhileOneRenews(browser, tabs) : readEach(tabs))
      expect(answers).toEqual(Array.from({ length: 6 }, greeting))
      const renewals = browser.sent.filter((name) => name === 'RefreshToken').length
      expect(renewals).toBeGreaterThanOrEqual(1)
      expect(renewals).toBeLessThanOrEqual(mostRenewals)
      await clock.resume()
    }
  })
})

describe('two tabs over plain http, at a name of the local network', () => {
  // A renewal is not to be had there: the cookie is for https only.
  it('sign in and out together, without what browsers keep for secure pages', async () => {
    const url = server.url.replace('127.0.0.1', plainHost)
    const browser = await openSessionBrowser(server, { url, allowed: [/Opener-Policy/] })
    const tabs = await openTwo(browser)
    const has = await tabs[0].evaluate(() => [isSecureContext, 'locks' in navigator])
    expect(has).toEqual([false, false])
    expect(await readEach(tabs)).toEqual(Array.from({ length: 6 }, greeting))
    await tabs[1].evaluate(() => window.page.auth.logout())
    await expect.poll(() => whoEach(tabs)).toEqual(['SIGNED_OUT', 'SIGNED_OUT'])
  })
})

describe('the refresh token', () => {
  it('is in a cookie that no script sees, and no token is in any storage', async () => {
    const browser = await openSessionBrowser(server)
    const [tab] = await openTwo(browser)
    const [cookie, ...others] = await browser.context.cookies()
    expect(others).toEqual([])
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    const seen = await tab.evaluate(async () =>
      JSON.stringify([document.cookie, localStorage, sessionStorage, await indexedDB.databases()]),
    )
    expect(seen).not.toContain(cookie!.value)
    expect(seen).not.toMatch(/lkr_|eyJ/)
  })
})

describe('a network that is cut during a renewal', () => {
  it.each<Disturbance>(['cut', 'lost'])('(%s) leaves the session, which continues', async (how) => {
    const browser = await openSessionBrowser(server, { expected: [cut] })
    const tabs = await openTwo(browser)
    await browser.pass(accessTokenSeconds + 1)
    await browser.disturb('RefreshToken', how)
    expect(new Set(await readEach(tabs))).toEqual(new Set(['NetworkError']))
    expect(await whoEach(tabs)).toEqual([email, email])
    await browser.disturb('RefreshToken', undefined)
    await browser.pass(5)
    expect(await readEach(tabs)).toEqual(Array.from({ length: 6 }, greeting))
    expect(await whoEach(tabs)).toEqual([email, email])
  })

  it('does not sign out a page that is loaded meanwhile', async () => {
    const browser = await openSessionBrowser(server, { expected: [cut] })
    const [tab] = await openTwo(browser)
    await browser.disturb('RefreshToken', 'lost')
    await tab.reload()
    const outcome = tab.evaluate(() =>
      window.page.auth.start().then(
        () => 'known',
        (error: Error) => error.name,
      ),
    )
    expect(await outcome).toBe('NetworkError')
    expect(await tab.who()).toBe('unknown')
    await browser.disturb('RefreshToken', undefined)
    await browser.pass(5)
    await expect.poll(() => tab.who()).toBe(email)
    expect(await tab.read()).toBe(greeting())
  })
})

describe('a tab', () => {
  it('that is closed during its renewal does not take the session along', async () => {
    const browser = await openSessionBrowser(server)
    const [one, other] = await openTwo(browser)
    await browser.pass(accessTokenSeconds + 1)
    const arrived = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    await browser.disturb('RefreshToken', async (route) => {
      arrived.resolve()
      await goOn.promise
      await route.continue().catch(() => {})
    })
    one.read().catch(() => {})
    await arrived.promise
    const answer = other.read()
    await one.close()
    await browser.disturb('RefreshToken', undefined)
    goOn.resolve()
    expect(await answer).toBe(greeting())
  })

  it('that was asleep for a night wakes up signed in', async () => {
    const browser = await openSessionBrowser(server)
    const [one, other] = await openTwo(browser)
    const control = await browser.context.newCDPSession(other)
    await control.send('Page.setWebLifecycleState', { state: 'frozen' })
    await browser.pass(accessTokenSeconds + 1)
    expect(await one.read()).toBe(greeting())
    await browser.pass(8 * 3600)
    expect(await one.read()).toBe(greeting())
    await control.send('Page.setWebLifecycleState', { state: 'active' })
    expect(await other.read()).toBe(greeting())
  })

  it('that was asleep when another signed out wakes up signed out', async () => {
    const browser = await openSessionBrowser(server)
    const [one, other] = await openTwo(browser)
    const control = await browser.context.newCDPSession(other)
    await control.send('Page.setWebLifecycleState', { state: 'frozen' })
    await one.evaluate(() => window.page.auth.logout())
    await control.send('Page.setWebLifecycleState', { state: 'active' })
    await expect.poll(() => other.who()).toBe('SIGNED_OUT')
  })

  it('that comes out of the back/forward cache learns that its session has ended', async () => {
    const browser = await openSessionBrowser(server, { allowed: [refused] })
    const [tab] = await openTwo(browser)
    const isKept = await leaveAndComeBack(tab, endElsewhere)
    expect(isKept).toBe(true)
    await expect.poll(() => tab.who()).toBe('SESSION_ENDED')
  })

  it('that comes out of the back/forward cache is not signed in after a sign-out in another', async () => {
    const browser = await openSessionBrowser(server, { allowed: [refused] })
    const [tab, other] = await openTwo(browser)
    await leaveAndComeBack(tab, () => other.evaluate(() => window.page.auth.logout()))
    // The message takes it out of the cache; else it would be told.
    await expect.poll(() => tab.read()).toBe('UNAUTHENTICATED')
    expect(await tab.who()).toMatch(/^(signedOut|SIGNED_OUT|SESSION_ENDED)$/)
  })

  it.each([
    ['behind', -7200],
    ['ahead', 7200],
  ])('whose clock jumps two hours %s continues', async (_way, seconds) => {
    const browser = await openSessionBrowser(server, { allowed: [refused] })
    const tabs = await openTwo(browser)
    await browser.context.clock.setSystemTime(Date.now() + seconds * 1000)
    expect(await readEach(tabs)).toEqual(Array.from({ length: 6 }, greeting))
    await browser.pass(accessTokenSeconds + 1)
    expect(await readEach(tabs)).toEqual(Array.from({ length: 6 }, greeting))
    expect(await whoEach(tabs)).toEqual([email, email])
  })
})

describe('a session that ends elsewhere', () => {
  it('is told to all tabs as soon as one of them hears of it', async () => {
    const browser = await openSessionBrowser(server, { expected: [refused] })
    const tabs = await openTwo(browser)
    await endElsewhere()
    expect(await tabs[0].read()).toBe('UNAUTHENTICATED')
    await expect.poll(() => whoEach(tabs)).toEqual(['SESSION_ENDED', 'SESSION_ENDED'])
    browser.sent.length = 0
    expect(await tabs[1].read()).toBe('UNAUTHENTICATED')
    // Nothing is tried over and over.
    expect(browser.sent).toEqual(['Protected'])
  })

  it('by a stolen refresh token is said to be so', async () => {
    const browser = await openSessionBrowser(server)
    const tabs = await openTwo(browser)
    const stolen = await browser.context.cookies()
    for (let round = 1; round <= 2; round += 1) {
      await browser.pass(accessTokenSeconds + 1)
      expect(await tabs[0].read()).toBe(greeting())
    }
    await browser.context.addCookies(stolen)
    await browser.pass(accessTokenSeconds + 1)
    expect(new Set(await readEach(tabs))).toEqual(new Set(['UNAUTHENTICATED']))
    await expect.poll(() => whoEach(tabs)).toEqual(['REFRESH_TOKEN_REUSED', 'REFRESH_TOKEN_REUSED'])
  })
})
