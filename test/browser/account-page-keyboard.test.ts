// The account page without a mouse.
import { expect, it } from 'vitest'
import { open, password, seeAccount, seeView, startAccountPage } from '../support/account-page.ts'
import { openBrowser } from '../support/browser.ts'

const email = 'ada@example.com'

it('a keyboard is enough: each stop is seen, in an order that makes sense', async () => {
  const server = await startAccountPage()
  const page = await open(await openBrowser(), server)
  await seeView(page, 'Sign in')
  const { keyboard } = page
  /** The name of what has the focus, which must be visible. */
  const tab = async () => {
    await keyboard.press('Tab')
    return page.evaluate(() => {
      const element = document.activeElement as HTMLElement
      const { outlineStyle, outlineWidth } = getComputedStyle(element)
      const label = (element as HTMLInputElement).labels?.[0]?.textContent
      const name = label ?? element.getAttribute('aria-label') ?? element.textContent
      return outlineStyle === 'none' || outlineWidth === '0px' ? `unseen: ${name}` : name
    })
  }
  expect([await tab(), await tab(), await tab(), await tab(), await tab()]).toEqual([
    'E-mail address',
    'Password',
    'Show password',
    'Sign in',
    'Create an account',
  ])
  await keyboard.press('Enter')
  await seeView(page, 'Create an account')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Create an account')
  expect(await tab()).toBe('E-mail address')
  await keyboard.type(email)
  await tab()
  await tab()
  await keyboard.type(password)
  await keyboard.press('Enter')
  await seeAccount(page)
  await page.getByText(email).waitFor()
  // From the heading on, as it has the focus.
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Your account')
  expect(await tab()).toBe('Change password…')
  expect(await tab()).toBe('Sign out everywhere')
  await keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Sign out everywhere')
  await keyboard.press('Enter')
  await keyboard.press('Tab')
  await keyboard.press('Enter')
  await seeView(page, 'Sign in')
})
