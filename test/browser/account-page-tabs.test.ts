// The account page in several tabs, and in the browser's history.
import type { BrowserContext, Page, Request } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  open,
  openBrowserOf,
  password,
  press,
  seeAccount,
  seeView,
  signIn,
  signUp,
  startAccountPage,
  startWithProviders,
} from '../support/account-page.ts'
import { openBrowser } from '../support/browser.ts'
import type { TestServer } from '../support/server.ts'

const email = 'ada@example.com'
const accessTokenSeconds = 900
const refused = /status of 401/

/** Two tabs with one account in them, and the clock of the server and the browser in one hand. */
async function openTwo(server: TestServer) {
  const browser = await openBrowser({ allowed: [refused] })
  await browser.clock.install()
  const renewals = countRenewals(browser)
  const first = await open(browser, server)
  await signUp(first, email)
  const second = await open(browser, server)
  await seeAccount(second)
  /**
   * So much later, and with the timers standing still: a tab that has waited for another one's renewal
   * hears of it, however long the message takes.
   */
  const pass = async (seconds: number) => {
    server.advance(seconds)
    await browser.clock.pauseAt(server.now() + 1000)
  }
  return { browser, first, second, pass, renewals }
}

function countRenewals(browser: BrowserContext): { count: number } {
  const renewals = { count: 0 }
  browser.on('request', (request) => {
    if (request.postData()?.includes('"RefreshToken"') === true) renewals.count += 1
  })
  return renewals
}

/** A user looks at the tab again, and the page reads the account again, and after it the events. */
async function lookAt(page: Page): Promise<unknown> {
  const [account, events] = ['"Account"', '"Events"'].map((operation) =>
    page.waitForResponse(
      (response) =>
        response.request().postData()?.includes(operation) === true && response.status() === 200,
    ),
  )
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await events
  return (await account!).json()
}

const isOfAccount = (request: Request) => request.postData()?.includes('"Account"') === true

/** The page reads the account again; what the server says is kept until `deliver`. */
async function keepBack(page: Page): Promise<{ deliver: () => Promise<void> }> {
  const { promise: given, resolve: give } = Promise.withResolvers<void>()
  const { promise: release, resolve: deliver } = Promise.withResolvers<void>()
  let isNext = true
  await page.route('**/graphql', async (route) => {
    if (!isNext || !isOfAccount(route.request())) {
      return route.continue()
    }
    isNext = false
    const response = await route.fetch()
    give()
    await release
    return route.fulfill({ response })
  })
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await given
  return {
    deliver: async () => {
      const delivered = page.waitForEvent('requestfinished', isOfAccount)
      deliver()
      await delivered
      // Once another answer has come, the page has taken that one.
      await page.evaluate(() => fetch('/health/live').then((response) => response.text()))
    },
  }
}

describe('two tabs of the account page', () => {
  it('renew once when their access token ends at the same moment, and both continue', async () => {
    const server = await startAccountPage({ ACCESS_TOKEN_LIFETIME: `${accessTokenSeconds}s` })
    const { browser, first, second, pass, renewals } = await openTwo(server)
    for (let round = 1; round <= 3; round += 1) {
      await pass(accessTokenSeconds + 1)
      renewals.count = 0
      const answers = await Promise.all([first, second].map(lookAt))
      expect(answers).toMatchObject([{ data: { me: { email } } }, { data: { me: { email } } }])
      expect(renewals.count).toBe(1)
      await browser.clock.resume()
    }
  })
})

describe('a tab that comes back from a provider as someone else', () => {
  const grace = { sub: 'grace', name: 'Grace Hopper', email: 'grace@example.com' }

  /** Ada signs in in the first tab while Grace is at the provider in the second one. */
  async function openBoth() {
    const server = await startWithProviders([grace])
    await server.client.register({ email, password })
    const browser = await openBrowserOf(grace)
    const first = await open(browser, server)
    const second = await open(browser, server)
    const { promise: leave, resolve } = Promise.withResolvers<void>()
    await second.route(/\/auth\?/, async (route) => {
      await leave
      await route.continue()
    })
    const atProvider = second.waitForRequest(/\/auth\?/)
    // A press that is slow ends with the way that it has started, if that starts before its end.
    const pressed = press(second, 'Continue with Acme')
    await atProvider
    await signIn(first, email)
    await seeAccount(first)
    await first.locator('#profile').getByText(email).waitFor()
    const comeBack = () => {
      resolve()
      return pressed
    }
    return { first, second, comeBack }
  }

  it('shows their account in the other tab, too', async () => {
    const { first, second, comeBack } = await openBoth()
    await comeBack()
    await second.locator('#profile').getByText(grace.email).waitFor()
    await first.locator('#profile').getByText(grace.email).waitFor()
    expect(await first.textContent('body')).not.toContain(email)
  })

  it('does not show the account of the one before, whose response is late', async () => {
    const { first, comeBack } = await openBoth()
    const ofAda = await keepBack(first)
    await comeBack()
    await first.locator('#profile').getByText(grace.email).waitFor()
    await ofAda.deliver()
    expect(await first.locator('#profile').textContent()).toContain(grace.email)
  })
})

describe('an account that is read twice', () => {
  it('is shown as the later response has it, even if the earlier one arrives last', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser(), server)
    await signUp(page, email)
    await page.locator('#devices li').waitFor()
    const earlier = await keepBack(page)
    await server.client.login(email, password)
    await lookAt(page)
    await expect.poll(() => page.locator('#devices li').count()).toBe(2)
    await earlier.deliver()
    expect(await page.locator('#devices li').count()).toBe(2)
  })
})

describe('the way back', () => {
  it('shows an account that is still signed in', async () => {
    const server = await startAccountPage()
    const { first } = await openTwo(server)
    await first.goto(`${server.url}/graphiql`)
    await first.goBack()
    await seeView(first, 'Your account')
    await first.getByText(email).first().waitFor()
    expect(first.url()).toBe(`${server.url}/`)
  })

  it('shows nothing of an account that was signed out in another tab', async () => {
    const server = await startAccountPage()
    const { first, second } = await openTwo(server)
    await first.goto(`${server.url}/health/live`)
    await press(second, 'Sign out')
    await seeView(second, 'Sign in')
    await first.goBack()
    await seeView(first, 'Sign in')
    expect(await first.textContent('body')).not.toContain(email)
  })

  it('shows nothing of an account that was signed out in the same tab', async () => {
    const server = await startAccountPage()
    const { first } = await openTwo(server)
    await press(first, 'Sign out')
    await seeView(first, 'Sign in')
    await first.goto(`${server.url}/health/live`)
    await first.goBack()
    await seeView(first, 'Sign in')
    await first.goBack()
    await seeView(first, 'Sign in')
    expect(await first.textContent('body')).not.toContain(email)
  })

  it('leads from view to view, and so does the way forth', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser(), server)
    await page.getByRole('link', { name: 'Create an account' }).click()
    await seeView(page, 'Create an account')
    await page.goBack()
    await seeView(page, 'Sign in')
    await page.goForward()
    await seeView(page, 'Create an account')
    expect(await page.title()).toBe('Create an account · Latchkey')
  })
})
