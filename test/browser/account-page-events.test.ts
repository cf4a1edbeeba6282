// What the page tells of the account's past: who has signed in or tried to, and what was changed.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  enter,
  open,
  openBrowserOf,
  password,
  press,
  seeView,
  signIn,
  signUp,
  startAccountPage,
  startWithProviders,
} from '../support/account-page.ts'
import { openBrowser } from '../support/browser.ts'
import type { TestServer } from '../support/server.ts'

const email = 'ada@example.com'
const rows = (page: Page) => page.locator('#events li')
const titles = (page: Page) => page.locator('#events li strong').allTextContents()
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent)

/** Someone is signed in on the page, with so many events in all, those of signing up among them. */
async function openWithEvents(server: TestServer, count: number): Promise<Page> {
  const browser = await openBrowser({ allowed: [/^console: .*(ERR_FAILED|50\d)/] })
  const page = await open(browser, server)
  await server.client.register({ email, password })
  for (let made = 3; made < count; made++) await server.client.login(email, password)
  await signIn(page, email)
  await seeView(page, 'Your account')
  await rows(page).first().waitFor()
  return page
}

describe('recent events', () => {
  it('are told in words, the newest first, with what was refused, the device and the address', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser(), server)
    await server.client.register({ email, password })
    await server.client.login(email, 'not this one')
    await signIn(page, email)
    await page.locator('nav').getByRole('link', { name: 'Recent events' }).click()
    await expect
      .poll(() => titles(page))
      .toEqual([
        'Signed in with a password ',
        'Attempt to sign in with a password Refused',
        'Signed in with a password ',
        'Account created with a password ',
      ])
    expect(await rows(page).first().textContent()).toMatch(/Chrome on Linux from 127\.0\.0\.1$/)
    expect(await rows(page).nth(1).textContent()).toContain('Wrong password.')
    const [moment] = await page.locator('#events time').all()
    expect(Date.parse((await moment!.getAttribute('datetime'))!)).toBeLessThanOrEqual(server.now())
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
  })

  it('come ten at a time by a keyboard, which stays where it is', async () => {
    const server = await startAccountPage()
    const page = await openWithEvents(server, 23)
    expect(await rows(page).count()).toBe(10)
    const told = page.locator('#events [role=status]')
    const button = page.getByRole('button', { name: 'Show more' })
    await button.focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => told.textContent()).toBe('10 more events, 20 in all.')
    expect(await rows(page).count()).toBe(20)
    expect(await focused(page)).toBe('Show more')
    await page.keyboard.press('Space')
    // The button is gone: the focus is on what is shown in its place.
    const last = '3 more events, 23 in all. There are no older ones.'
    await expect.poll(() => focused(page)).toBe(last)
    expect(await rows(page).count()).toBe(23)
    expect(await titles(page)).toHaveLength(23)
    expect((await titles(page)).at(-1)).toContain('Account created')
    expect(await button.count()).toBe(0)
  })

  it('come again with every change on the page, in front of those that are shown', async () => {
    const server = await startAccountPage()
    const page = await openWithEvents(server, 13)
    await press(page, 'Show more')
    await expect.poll(() => rows(page).count()).toBe(13)
    await press(page, 'Sign out all other devices')
    await expect.poll(() => titles(page)).toHaveLength(14)
    expect(await rows(page).first().textContent()).toContain('11 devices were signed out.')
    await press(page, 'Change password…')
    await enter(page, { 'Current password': 'not this one', 'New password': 'a new one entirely' })
    await press(page, 'Change password')
    await page.getByText('The current password is not right.').waitFor()
    await enter(page, { 'Current password': password })
    await press(page, 'Change password')
    await expect
      .poll(async () => (await titles(page)).slice(0, 2))
      .toEqual(['Password changed ', 'Attempt to change the password Refused'])
    expect(await focused(page)).toBe('Password')
    // What happens elsewhere shows when a device is signed out here.
    await server.client.login(email, 'a new one entirely')
    await page.reload()
    await expect.poll(async () => (await titles(page))[0]).toBe('Signed in with a password ')
    await page
      .locator('#devices')
      .getByRole('button', { name: /^Sign out (?!everywhere|all)/ })
      .click()
    await expect.poll(async () => (await titles(page))[0]).toBe('Signed out ')
    expect(await rows(page).first().textContent()).toContain('From the list of devices.')
  })

  it('tell of providers by their names', async () => {
    const person = { sub: 'ada', name: 'Ada Lovelace', email }
    const server = await startWithProviders([person])
    const page = await open(await openBrowserOf(person), server)
    await signUp(page, 'other@example.com')
    await press(page, 'Link Acme')
    await page.getByText('Acme is linked').waitFor()
    await expect.poll(async () => (await titles(page))[0]).toBe('Acme linked ')
    await press(page, 'Unlink Acme')
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink', exact: true }).click()
    await expect.poll(async () => (await titles(page))[0]).toBe('Acme unlinked ')
  })

  it('that cannot be read leave the rest of the page as it is, and the focus, until another attempt', async () => {
    const server = await startAccountPage()
    const page = await openWithEvents(server, 13)
    const isOfEvents = (body: string | null) => body?.includes('query Events') === true
    let isBroken = true
    await page.route('**/graphql', (route) =>
      isBroken && isOfEvents(route.request().postData()) ? route.abort() : route.continue(),
    )
    await press(page, 'Show more')
    const problem = page.locator('#events [role=alert]')
    await expect.poll(() => problem.textContent()).toMatch(/cannot be reached/)
    expect(await rows(page).count()).toBe(10)
    isBroken = false
    await press(page, 'Try again')
    await expect.poll(() => rows(page).count()).toBe(13)
    expect(await problem.count()).toBe(0)

    isBroken = true
    await page.reload()
    await expect.poll(() => problem.textContent()).toMatch(/cannot be reached/)
    expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true)
    expect(await page.locator('#devices li').count()).toBeGreaterThan(0)
    await press(page, 'Change password…')
    isBroken = false
    await press(page, 'Try again')
    await expect.poll(() => rows(page).count()).toBe(10)
    expect(await page.getByRole('textbox', { name: 'New password' }).count()).toBe(1)
  })

  it('may be none, as they are kept for a while only', async () => {
    const server = await startAccountPage({ AUDIT_RETENTION: '1d' })
    const page = await openWithEvents(server, 3)
    server.advance(2 * 24 * 3600)
    await server.maintain()
    await page.reload()
    await page.getByText('No events yet').waitFor()
    expect(await rows(page).count()).toBe(0)
  })
})
