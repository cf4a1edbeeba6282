/** The account page in a browser: a server that knows its own address, and what users do there. */
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { openBrowser, type BrowserOptions } from './browser.ts'
import { freePort } from './free-port.ts'
import { personHeader, startIdentityProvider, type Person } from './identity-provider.ts'
import { openidVariables } from './provider-sign-in.ts'
import { startServer, type Environment, type TestServer } from './server.ts'

export const password = 'correct horse battery'

/**
 * A server whose page works with providers, too: they send users back to PUBLIC_URL. It goes by the name
 * localhost, which is another site than the providers' 127.0.0.1.
 */
export async function startAccountPage(
  env: Environment | ((callbackUrl: string) => Promise<Environment>) = {},
  overrides: Parameters<typeof startServer>[1] = {},
): Promise<TestServer> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const variables = typeof env === 'function' ? await env(`${url}/callback`) : env
  const server = await startServer({ PORT: String(port), PUBLIC_URL: url, ...variables }, overrides)
  return { ...server, url }
}

/** The same with the providers `acme` and `other`, called Acme and Other; users are known to both. */
export async function startWithProviders(
  people: readonly Person[],
  env: Environment = {},
): Promise<TestServer> {
  return startAccountPage(async (callbackUrl) => {
    const variables = ['acme', 'other'].map(async (name) => {
      const provider = await startIdentityProvider({}, [callbackUrl])
      onTestFinished(() => provider.close())
      for (const person of people) provider.add(person)
      const label = { [`OIDC_${name.toUpperCase()}_LABEL`]: name[0]!.toUpperCase() + name.slice(1) }
      return { ...openidVariables(name, provider), ...label }
    })
    return Object.assign({}, ...(await Promise.all(variables)), env) as Environment
  })
}

/** A browser whose owner is signed in at the provider. */
export async function openBrowserOf(
  person: Pick<Person, 'sub'>,
  options?: BrowserOptions,
): Promise<BrowserContext> {
  const browser = await openBrowser(options)
  await browser.setExtraHTTPHeaders({ [personHeader]: person.sub })
  return browser
}

export async function open(
  browser: BrowserContext,
  { url }: { readonly url: string },
): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(url)
  return page
}

export async function enter(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(values)) {
    await page.getByRole('textbox', { name: label, exact: true }).fill(value)
  }
}

/** @returns when the heading of the view is there */
export function seeView(page: Page, title: string): Promise<void> {
  return headingOf(page, title).waitFor()
}

/**
 * @returns when the account is there, and its events, the last that the page asks for: a request that is
 * still on its way when the session ends gets 401, which the console has as an error
 */
export async function seeAccount(page: Page): Promise<void> {
  await seeView(page, 'Your account')
  await page.locator('#events li').first().waitFor()
}

export function headingOf(page: Page, title: string): Locator {
  return page.getByRole('heading', { level: 1, name: title })
}

export function press(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).click()
}

export async function signUp(page: Page, email: string): Promise<void> {
  await page.getByRole('link', { name: 'Create an account' }).click()
  await seeView(page, 'Create an account')
  await enter(page, { 'E-mail address': email, Password: password })
  await press(page, 'Create account')
  await seeAccount(page)
}

export async function signIn(page: Page, email: string, secret = password): Promise<void> {
  await seeView(page, 'Sign in')
  await enter(page, { 'E-mail address': email, Password: secret })
  await press(page, 'Sign in')
}

/** What the page says, next to its fields. */
export function notice(page: Page) {
  return page.locator('.notice')
}

/**
 * How many notices there are, with those that come a moment after their view: it passes by the page's
 * clock, which must be installed.
 */
export async function countNotices(page: Page): Promise<number> {
  await page.clock.fastForward(1000)
  return notice(page).count()
}
