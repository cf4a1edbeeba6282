// The account page in several tabs, and in the browser's history.
import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { open, press, seeView, signUp, startAccountPage } from '../support/account-page.ts'
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
  await seeView(first, 'Your account')
  const second = await open(browser, server)
  await seeView(second, 'Your account')
  const pass = async (seconds: number) => {
    server.advance(seconds)
    await browser.clock.fastForward(seconds * 1000)
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

/** A person looks at the tab again, and the page reads the account anew. */
async function lookAt(page: Page): Promise<unknown> {
  const answer = page.waitForResponse(
    (response) =>
      response.request().postData()?.includes('"Account"') === true && response.status() === 200,
  )
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  return (await answer).json()
}

describe('two tabs of the account page', () => {
  it('renew once when their access token ends at the same moment, and both go on', async () => {
    const server = await startAccountPage({ ACCESS_TOKEN_LIFETIME: `${accessTokenSeconds}s` })
    const { first, second, pass, renewals } = await openTwo(server)
    for (let round = 1; round <= 3; round += 1) {
      await pass(accessTokenSeconds + 1)
      renewals.count = 0
      const answers = await Promise.all([first, second].map(lookAt))
      expect(answers).toMatchObject([{ data: { me: { email } } }, { data: { me: { email } } }])
      expect(renewals.count).toBe(1)
    }
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
})
