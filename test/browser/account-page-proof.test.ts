// The account page when the last sign-in is too long ago for what the user wants.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  enter,
  notice,
  open,
  openBrowserOf,
  password,
  press,
  seeAccount,
  seeView,
  signUp,
  startWithProviders,
} from '../support/account-page.ts'
import type { TestServer } from '../support/server.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const email = 'ada@example.com'
const ada = { sub: 'ada', name: 'Ada Lovelace', email, email_verified: false }
const title = 'Confirm your identity'
/** What the page asks before it asks its user is in the console. */
const allowed = [/^console: .*401/]

/** As if the user had signed in ten minutes ago. */
async function age(server: TestServer, page: Page): Promise<void> {
  await server.database.query('update sessions set authenticated_at = authenticated_at - 600000')
  await page.reload()
  await seeAccount(page)
}
const dialogOf = (page: Page) => page.getByRole('dialog', { name: title })
const confirm = async (page: Page, secret = password) => {
  await dialogOf(page).waitFor()
  await enter(page, { Password: secret })
  await press(page, 'Confirm')
}

describe('a user who signed in a while ago', () => {
  it('confirms with the password before a provider is linked, and is then led there', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { allowed }), server)
    await signUp(page, 'somebody@example.com')
    await age(server, page)
    await press(page, 'Link Acme')
    await confirm(page, 'not the password')
    await dialogOf(page).getByRole('alert').getByText('Wrong password.').waitFor()
    await confirm(page)
    await expect.poll(() => notice(page).textContent()).toMatch(/Acme is linked/)
    await page.locator('#events').getByText('Identity confirmed with a password').waitFor()
  })

  it('without a password confirms at the linked provider, and then finishes the link', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { allowed }), server)
    await press(page, 'Continue with Acme')
    await seeAccount(page)
    await age(server, page)
    await press(page, 'Link Other')
    await dialogOf(page).waitFor()
    expect(await dialogOf(page).getByRole('textbox').count()).toBe(0)
    await press(page, 'Confirm with Acme')
    await seeView(page, 'Link Other')
    await expect.poll(() => notice(page).textContent()).toMatch(/You have confirmed/)
    await press(page, 'Link Other')
    await seeAccount(page)
    await expect.poll(() => notice(page).textContent()).toMatch(/Other is linked/)
  })

  it('without a password confirms at the provider, and then sets one', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { allowed }), server)
    await press(page, 'Continue with Acme')
    await seeAccount(page)
    await age(server, page)
    const set = async () => {
      await press(page, 'Set a password…')
      await enter(page, { 'New password': password })
      await press(page, 'Set password')
    }
    await set()
    await dialogOf(page).waitFor()
    await press(page, 'Confirm with Acme')
    await seeAccount(page)
    await expect.poll(() => notice(page).textContent()).toMatch(/You have confirmed/)
    await set()
    await page.getByText('Your password is set').waitFor()
  })

  it('whose password of an operator has expired confirms at the provider, and sets another', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { allowed }), server)
    await signUp(page, 'somebody@example.com')
    await press(page, 'Link Acme')
    await expect.poll(() => notice(page).textContent()).toMatch(/Acme is linked/)
    await server.database.query('update users set password_expires_at = 1')
    await age(server, page)
    await page.getByText('It worked until').waitFor()
    const set = async () => {
      await press(page, 'Change password…')
      expect(await page.getByLabel('Current password').count()).toBe(0)
      await enter(page, { 'New password': 'a password of my own' })
      await press(page, 'Change password')
    }
    await set()
    await dialogOf(page).waitFor()
    expect(await dialogOf(page).getByRole('textbox').count()).toBe(0)
    await press(page, 'Confirm with Acme')
    await seeAccount(page)
    await expect.poll(() => notice(page).textContent()).toMatch(/You have confirmed/)
    await set()
    await page.getByText('Your password is set').waitFor()
  })

  it('can do without: nothing is changed, and the dialog gives the focus back', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { allowed }), server)
    await signUp(page, 'somebody@example.com')
    await press(page, 'Link Acme')
    await expect.poll(() => notice(page).textContent()).toMatch(/Acme is linked/)
    await age(server, page)
    await press(page, 'Unlink Acme')
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click()
    await dialogOf(page).waitFor()
    await page.keyboard.press('Escape')
    await dialogOf(page).waitFor({ state: 'detached' })
    await page.getByRole('dialog').getByText('Nothing was changed').waitFor()

    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click()
    await dialogOf(page).waitFor()
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).name)).toBe(
      'password',
    )
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.getByText('Acme is unlinked.').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  it('is asked no more when the session ends meanwhile', async () => {
    const server = await startWithProviders([ada])
    const browser = await openBrowserOf(ada, { allowed })
    const page = await open(browser, server)
    await signUp(page, 'somebody@example.com')
    await age(server, page)
    const other = await open(browser, server)
    await seeAccount(other)
    await press(page, 'Link Acme')
    await dialogOf(page).waitFor()
    await press(other, 'Sign out')
    await seeView(page, 'Sign in')
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  it.each([360, 1280])('sees and hears the whole dialog, at %i px', async (width) => {
    const server = await startWithProviders([ada])
    const browser = await openBrowserOf(ada, { viewport: { width, height: 640 }, allowed })
    await browser.addInitScript(axe)
    const page = await open(browser, server)
    await signUp(page, 'somebody@example.com')
    await press(page, 'Link Acme')
    await expect.poll(() => notice(page).textContent()).toMatch(/Acme is linked/)
    await age(server, page)
    await press(page, 'Link Other')
    await dialogOf(page).waitFor()
    const { violations } = await page.evaluate(() =>
      (window as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
    )
    expect(violations.map(({ id }) => id)).toEqual([])
    const box = (await dialogOf(page).boundingBox())!
    expect(box.x).toBeGreaterThanOrEqual(0)
    expect(box.x + box.width).toBeLessThanOrEqual(width)
    for (const name of ['Confirm', 'Confirm with Acme', 'Cancel']) {
      await page.getByRole('button', { name, exact: true }).scrollIntoViewIfNeeded()
    }
  })
})
