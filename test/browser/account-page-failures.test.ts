// The account page where the network fails in the middle of something: what was done is called, and nothing else is.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  headingOf,
  notice,
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
import { openBrowser, stopTimers, tryAgain } from '../support/browser.ts'

const email = 'ada@example.com'
const ada = { sub: 'ada', name: 'Ada Lovelace', email }
const allowed = [/^console: .*ERR_FAILED/]

/** Requests of one operation do not reach the server. */
async function cut(
  page: Page,
  field: string,
): Promise<{ count: number; mend: () => Promise<void> }> {
  const requests = {
    count: 0,
    mend: () => page.unroute('**/graphql'),
  }
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes(field) !== true) return route.continue()
    requests.count += 1
    return route.abort()
  })
  return requests
}

/** An account with the two providers linked to it. */
async function openLinked(): Promise<Page> {
  const server = await startWithProviders([ada])
  const page = await open(await openBrowserOf(ada, { allowed }), server)
  await press(page, 'Continue with Acme')
  await seeView(page, 'Your account')
  await press(page, 'Link Other')
  await page.getByText('Other is linked').waitFor()
  await page.getByRole('button', { name: 'Unlink Other' }).waitFor()
  return page
}

describe('a sign-in', () => {
  it('is tried again when the user says so, if the network was gone', async () => {
    const server = await startAccountPage()
    const browser = await openBrowser({ allowed: [/^console: .*ERR_INTERNET_DISCONNECTED/] })
    const page = await open(browser, server)
    await server.client.register({ email, password })
    await seeView(page, 'Sign in')
    await browser.setOffline(true)
    await signIn(page, email)
    await expect.poll(() => notice(page).textContent()).toMatch(/cannot be reached/)
    await browser.setOffline(false)
    await press(page, 'Try again')
    await seeView(page, 'Your account')
  })
})

describe('a page that opens', () => {
  it('says so if the server does not respond, and continues when the user says so', async () => {
    const server = await startAccountPage()
    const page = await (await openBrowser({ allowed })).newPage()
    await stopTimers(page)
    await page.route('**/graphql', (route) => route.abort())
    await page.goto(server.url)
    await seeView(page, 'No connection')
    await page.unroute('**/graphql')
    await tryAgain(page, headingOf(page, 'Sign in'))
    expect(await notice(page).count()).toBe(0)
  })
})

describe('a sign-in with a provider', () => {
  it('is tried once, and once more when the user says so', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { allowed }), server)
    await page.getByRole('button', { name: 'Continue with Acme' }).waitFor()
    const requests = await cut(page, 'loginWithProvider')
    await press(page, 'Continue with Acme')
    await seeView(page, 'No connection')
    // Each of these takes as long as an attempt would.
    for (let answer = 0; answer < 20; answer += 1) {
      await page.evaluate(() => fetch('/health/live').then((response) => response.text()))
    }
    expect(requests.count).toBe(1)
    await requests.mend()
    await press(page, 'Try again')
    await seeView(page, 'Your account')
  })
})

describe('the ways to sign in', () => {
  it('are asked for once the server can be reached', async () => {
    const server = await startWithProviders([ada])
    const page = await (await openBrowser({ allowed })).newPage()
    await stopTimers(page)
    const { mend } = await cut(page, '')
    await page.goto(server.url)
    await seeView(page, 'No connection')
    await mend()
    await tryAgain(page, headingOf(page, 'Sign in'))
    await page.getByRole('button', { name: 'Continue with Acme' }).waitFor()
    expect(await notice(page).count()).toBe(0)
  })

  it('are asked for again where only this question was lost', async () => {
    const server = await startWithProviders([ada])
    const page = await (await openBrowser({ allowed })).newPage()
    const requests = await cut(page, 'providers')
    await page.goto(server.url)
    await seeView(page, 'Sign in')
    await expect.poll(() => requests.count).toBeGreaterThan(0)
    await requests.mend()
    await page.getByRole('button', { name: 'Continue with Acme' }).waitFor()
  })

  it('are not said to be none before the server has said so', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { allowed }), server)
    await press(page, 'Continue with Acme')
    await seeAccount(page)
    await press(page, 'Sign out')
    await press(page, 'Continue with Other')
    await page.getByText('Sign in to it with Acme').waitFor()
    const requests = await cut(page, 'providers')
    await page.reload()
    await seeView(page, 'You already have an account')
    await expect.poll(() => requests.count).toBeGreaterThan(0)
    expect(await page.textContent('main')).not.toContain('None of the ways')
    await requests.mend()
    await page.getByText('Sign in to it with Acme').waitFor()
    await page.getByRole('button', { name: 'Sign in with Acme' }).waitFor()
  })
})

describe('unlinking a provider', () => {
  it('that failed is not offered again when another one is asked about', async () => {
    const page = await openLinked()
    const { mend } = await cut(page, 'unlinkProvider')
    const dialog = page.getByRole('dialog')
    await press(page, 'Unlink Acme')
    await dialog.getByRole('button', { name: 'Unlink' }).click()
    await dialog.getByText('cannot be reached').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await mend()
    await press(page, 'Unlink Other')
    await dialog.getByText('Unlink Other?').waitFor()
    expect(await dialog.getByRole('alert').count()).toBe(0)
    await dialog.getByRole('button', { name: 'Unlink' }).click()
    await page.getByText('Other is unlinked.').waitFor()
    await page.getByRole('button', { name: 'Link Other' }).waitFor()
    await page
      .getByRole('button', { name: 'Unlink Acme' })
      .or(page.getByText('Your only way to sign in'))
      .waitFor()
  })

  it('is called, and what failed after it as well', async () => {
    const page = await openLinked()
    const { mend } = await cut(page, '"Account"')
    await press(page, 'Unlink Acme')
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click()
    const section = page.locator('#providers')
    await section.getByText('Acme is unlinked.').waitFor()
    await section.getByText('cannot be reached').waitFor()
    await mend()
    await section.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('button', { name: 'Link Acme' }).waitFor()
    await expect.poll(() => section.getByRole('alert').count()).toBe(0)
  })
})

describe('signing out', () => {
  it('of another device that failed is not told if it is asked about all of them', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser({ allowed }), server)
    await signUp(page, email)
    await server.client.login(email, password)
    await page.reload()
    await cut(page, 'revokeSession')
    await page.locator('#devices li').nth(1).getByRole('button').click()
    const section = page.locator('#devices')
    await section.getByText('cannot be reached').waitFor()
    await press(page, 'Sign out everywhere')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    expect(await dialog.getByRole('alert').count()).toBe(0)
  })

  it('everywhere, without a network, is of this device only, and is said to be', async () => {
    const server = await startAccountPage()
    const browser = await openBrowser({ allowed })
    const page = await open(browser, server)
    await signUp(page, email)
    const { mend } = await cut(page, 'logout')
    await press(page, 'Sign out everywhere')
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click()
    await seeView(page, 'Sign in')
    await expect
      .poll(() => notice(page).textContent())
      .toMatch(/^This device is signed out\..*others/)
    await mend()
    // It is told as long as no one signs in.
    await page.getByRole('link', { name: 'Create an account' }).click()
    await seeView(page, 'Create an account')
    await page.goBack()
    await expect.poll(() => notice(page).textContent()).toMatch(/others/)
    await signUp(page, 'grace@example.com')
    await press(page, 'Sign out')
    await expect.poll(() => notice(page).textContent()).toBe('You are signed out.')
  })

  it('without a network is said to be unknown to the server', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser({ allowed }), server)
    await signUp(page, email)
    await cut(page, 'logout')
    await press(page, 'Sign out')
    await seeView(page, 'Sign in')
    await expect.poll(() => notice(page).textContent()).toMatch(/the server could not be reached/)
  })
})
