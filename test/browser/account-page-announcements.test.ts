// What a screen reader is given to read out: text that is put into a live region which it knew before.
import type { BrowserContext, Page } from 'playwright-core'
import { expect, it } from 'vitest'
import {
  enter,
  notice,
  open,
  openBrowserOf,
  password,
  press,
  seeView,
  startWithProviders,
} from '../support/account-page.ts'

const ada = { sub: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' }

/** Notes each notice, and whether its live region was in the page before it. */
async function listen(browser: BrowserContext): Promise<void> {
  await browser.addInitScript(() => {
    const heard: [text: string, isHeard: boolean][] = []
    Object.assign(window, { heard })
    new MutationObserver((records) => {
      const added = records.flatMap(({ addedNodes }) =>
        Array.from(addedNodes).filter((node) => node instanceof HTMLElement),
      )
      for (const root of added) {
        for (const found of [root, ...root.querySelectorAll('*')]) {
          if (!found.classList.contains('notice')) continue
          const region = found.closest('[role=status]')
          const isKnown = region !== null && !added.some((node) => node.contains(region))
          heard.push([found.textContent, found.role === 'alert' || isKnown])
        }
      }
      // A text that is changed where it stands.
      const texts = records.flatMap(({ addedNodes, target }) =>
        [target, ...addedNodes].filter((node) => node instanceof Text),
      )
      const changed = new Set(texts.map((node) => node.parentElement?.closest('.notice')))
      for (const found of changed) {
        if (!found || added.some((node) => node.contains(found))) continue
        heard.push([found.textContent, found.closest('[role=status], [role=alert]') !== null])
      }
    }).observe(document, { childList: true, characterData: true, subtree: true })
  })
}

function heardOn(page: Page): Promise<[text: string, isHeard: boolean][]> {
  return page.evaluate(
    () => (window as unknown as { heard: [text: string, isHeard: boolean][] }).heard,
  )
}

it('is what has been done, in the account and on the view that comes after it', async () => {
  const server = await startWithProviders([ada])
  const browser = await openBrowserOf(ada)
  await listen(browser)
  const page = await open(browser, server)
  await press(page, 'Continue with Acme')
  await seeView(page, 'Your account')
  await press(page, 'Link Other')
  await page.getByText('Other is linked').waitFor()
  expect(await heardOn(page)).toEqual([[expect.stringContaining('Other is linked'), true]])

  await page.reload()
  await press(page, 'Unlink Other')
  await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click()
  await page.locator('#providers .notice').waitFor()
  await press(page, 'Set a password…')
  await enter(page, { 'New password': password })
  await press(page, 'Set password')
  await page.locator('#password .notice').waitFor()
  expect(await heardOn(page)).toEqual([
    ['Other is unlinked.', true],
    [expect.stringContaining('Your password is set'), true],
  ])

  await server.client.login(ada.email, password)
  await page.reload()
  await press(page, 'Sign out all other devices')
  await page.locator('#devices .notice').waitFor()
  await page.locator('#events').getByText('Signed out', { exact: true }).waitFor()
  await press(page, 'Sign out')
  await expect.poll(() => notice(page).textContent()).toBe('You are signed out.')
  expect(await heardOn(page)).toEqual([
    ['All other devices are signed out.', true],
    ['You are signed out.', true],
  ])
})
