// Every view as it is seen and heard: an axe audit, nothing that is cut off at 360 px, and a picture to keep.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  enter,
  notice,
  openBrowserOf,
  password,
  press,
  seeAccount,
  seeView,
  startWithProviders,
} from '../support/account-page.ts'
import { artifactPath, openBrowser } from '../support/browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const ada = { sub: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' }
const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [360, 1280].map((width) => ({ colorScheme, width })),
)

/** Keeps a picture of the view, and says what is wrong with it. */
async function findFaults(page: Page, name: string): Promise<string[]> {
  // Colours that are still changing would be measured on their way. While one change ends, or is cut
  // short, another may start.
  await page.evaluate(async () => {
    const running = () =>
      document.getAnimations().filter(({ playState }) => playState === 'running')
    while (running().length > 0) {
      await Promise.allSettled(running().map(({ finished }) => finished))
    }
  })
  await page.screenshot({ path: artifactPath(`${name}.png`), fullPage: true })
  const results = await page.evaluate(() =>
    (window as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  )
  const violations = results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ failureSummary, html }) => `${name}: ${id}: ${html} ${failureSummary}`),
  )
  const isCut = await page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  )
  return isCut ? [...violations, `${name} is wider than the window`] : violations
}

describe('the page', () => {
  it.each(looks)('can be seen and heard: $colorScheme, $width px', async (look) => {
    const { colorScheme, width } = look
    const server = await startWithProviders([ada], { THROTTLE: 'on' })
    const { email } = ada
    await server.client.register({ email, password, name: ada.name })
    const browser = await openBrowserOf(ada, {
      viewport: { width, height: 800 },
      colorScheme,
      allowed: [/^console: .*429/],
    })
    await browser.addInitScript(axe)
    const page = await browser.newPage()
    const faults: string[] = []
    const see = async (name: string) =>
      void faults.push(...(await findFaults(page, `${name}-${width}-${colorScheme}`)))

    await page.goto(server.url)
    await page.getByRole('button', { name: 'Continue with Acme' }).waitFor()
    await see('sign-in')
    await press(page, 'Sign in')
    await page.getByText('Enter your e-mail address').waitFor()
    await see('sign-in-empty')
    await enter(page, { 'E-mail address': 'nobody@example.com', Password: password })
    await expect
      .poll(async () => {
        await press(page, 'Sign in')
        await page.getByRole('alert').waitFor()
        return notice(page).textContent()
      })
      .toMatch(/Too many/)
    await see('sign-in-too-often')
    await page.getByRole('link', { name: 'Create an account' }).click()
    await seeView(page, 'Create an account')
    await see('sign-up')

    await press(page, 'Continue with Acme')
    await seeView(page, 'You already have an account')
    await page.getByText('Acme account').waitFor()
    await see('link-required')
    await enter(page, { 'E-mail address': email, Password: password })
    await press(page, 'Sign in')
    await page.getByRole('button', { name: 'Link Acme' }).waitFor()
    await see('link')
    await press(page, 'Link Acme')
    await page.getByText('Acme is linked').waitFor()
    await page.locator('#devices li').first().waitFor()
    // More than fit on the first page, two of them refused.
    for (const secret of ['wrong', 'wrong', ...Array<string>(9).fill(password)]) {
      await server.client.login(email, secret)
    }
    await page.reload()
    await page.locator('#events').getByText('Refused').first().waitFor()
    await see('account')
    await press(page, 'Show more')
    await page.getByText('There are no older ones').waitFor()
    await see('account-events')
    await press(page, 'Change password…')
    await see('account-password')
    await press(page, 'Unlink Acme')
    await page.getByRole('dialog').waitFor()
    await see('account-dialog')
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await press(page, 'Sign out')
    await page.getByText('You are signed out').waitFor()
    await see('signed-out')
    expect(faults).toEqual([])
  })

  it.each(looks)(
    'can be seen in the colours, with the logo and under the name of an operator: $colorScheme, $width px',
    async ({ colorScheme, width }) => {
      const logo = new URL('../../web/icon.svg', import.meta.url).pathname
      const server = await startWithProviders([], {
        BRAND_NAME: 'Donaudampfschifffahrtsgesellschaft <Wien>',
        BRAND_COLOR: '#ffe600',
        BRAND_TEXT_COLOR: '#000000',
        BRAND_LOGO: logo,
        REGISTRATION: 'closed',
      })
      const browser = await openBrowser({ viewport: { width, height: 800 }, colorScheme })
      await browser.addInitScript(axe)
      const page = await browser.newPage()
      await page.goto(server.url)
      await page.getByRole('button', { name: 'Continue with Acme' }).waitFor()
      expect(await page.title()).toBe('Sign in · Donaudampfschifffahrtsgesellschaft <Wien>')
      await expect
        .poll(() => page.locator('.brand img').evaluate((image: HTMLImageElement) => image.width))
        .toBeGreaterThan(0)
      expect(await findFaults(page, `brand-${width}-${colorScheme}`)).toEqual([])
    },
  )

  // WCAG 2.2, 1.4.10: 320 px, which is 1280 px at 400 %.
  it('can be seen where it is as narrow as a page ever is', async () => {
    const server = await startWithProviders([ada])
    const browser = await openBrowserOf(ada, { viewport: { width: 320, height: 400 } })
    await browser.addInitScript(axe)
    const page = await browser.newPage()
    await page.goto(server.url)
    await press(page, 'Continue with Acme')
    await seeAccount(page)
    expect(await findFaults(page, 'account-320')).toEqual([])
    await press(page, 'Sign out')
    await seeView(page, 'Sign in')
    expect(await findFaults(page, 'sign-in-320')).toEqual([])
  })

  it('does not move for users who prefer reduced motion', async () => {
    const server = await startWithProviders([])
    const browser = await openBrowser({ reducedMotion: 'reduce' })
    const page = await browser.newPage()
    await page.goto(server.url)
    const button = page.getByRole('button', { name: 'Sign in', exact: true })
    await button.waitFor()
    const style = await button.evaluate((element) => getComputedStyle(element).transitionProperty)
    expect(style).toBe('none')
  })
})
