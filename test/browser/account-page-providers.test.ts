// Providers through the page: a real OpenID provider on another site, and a real browser between the two.
import { describe, expect, it } from 'vitest'
import {
  countNotices,
  enter,
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
import { openBrowser } from '../support/browser.ts'

const email = 'ada@example.com'
const ada = { sub: 'ada', name: 'Ada Lovelace', email, email_verified: false }

describe('a sign-in with a provider', () => {
  it('makes an account, and leaves no code in the address or the history', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada), server)
    const seen: string[] = []
    page.on('framenavigated', (frame) => seen.push(frame.url()))
    await press(page, 'Continue with Acme')
    await seeView(page, 'Your account')
    await page.locator('#profile').getByText('Ada Lovelace').waitFor()
    // It came by /callback, which is not a place to stay.
    expect(seen.some((url) => url.startsWith(`${server.url}/callback?code=`))).toBe(true)
    expect(page.url()).toBe(`${server.url}/`)
    const kept = await page.evaluate(() => JSON.stringify(Object.entries(sessionStorage)))
    expect(kept).not.toMatch(/flowToken|code/)
    await page.goBack()
    expect(page.url()).not.toMatch(/code=/)
    await page.goForward()
    await page.reload()
    await seeView(page, 'Your account')
    expect(server.logText()).not.toMatch(/code=/)
  })

  it('that the user refuses there is explained', async () => {
    const server = await startWithProviders([])
    // The provider knows no one, and goes no further; what it would answer is made here.
    const page = await open(await openBrowser({ allowed: [/^console/] }), server)
    // No content: the page stays, and no way there is still being gone when the response comes.
    await page.route(/\/auth\?/, (route) => route.fulfill({ status: 204 }))
    const asked = page.waitForRequest(/\/auth\?/)
    await press(page, 'Continue with Acme')
    const state = new URL((await asked).url()).searchParams.get('state')
    await page.goto(`${server.url}/callback?error=access_denied&state=${state}`)
    await seeView(page, 'Sign in')
    await expect.poll(() => notice(page).textContent()).toMatch(/You did not agree at Acme/)
    expect(page.url()).toBe(`${server.url}/`)
  })

  it.each([
    '/callback?code=stolen&state=forged',
    '/callback?code=a&state=b&iss=https://evil.test',
    '/callback?error=%3Cscript%3Ealert(1)%3C/script%3E&state=x',
  ])('that no one has started here is refused: %s', async (path) => {
    const server = await startAccountPage()
    const page = await (await openBrowser()).newPage()
    await page.goto(server.url + path)
    await seeView(page, 'Sign in')
    expect(await notice(page).textContent()).toMatch(/Start again/)
    expect(page.url()).toBe(`${server.url}/`)
  })

  it.each(['/callback', '/callback?returnTo=//evil.test', '/?returnTo=https://evil.test'])(
    'is not there, and leads nowhere else: %s',
    async (path) => {
      const server = await startAccountPage()
      const page = await (await openBrowser()).newPage()
      await page.goto(server.url + path)
      await seeView(page, 'Sign in')
      expect(await notice(page).count()).toBe(0)
      expect(new URL(page.url()).origin).toBe(server.url)
    },
  )
})

describe('a provider whose address has an account', () => {
  it('is linked after signing in with the password', async () => {
    const server = await startWithProviders([ada])
    await server.client.register({ email, password })
    const browser = await openBrowserOf(ada)
    const page = await open(browser, server)
    await press(page, 'Continue with Acme')
    await seeView(page, 'You already have an account')
    await page.getByText('Sign in to it with your password').waitFor()
    // A reload forgets nothing.
    await page.reload()
    await seeView(page, 'You already have an account')
    await enter(page, { 'E-mail address': email, Password: password })
    await press(page, 'Sign in')
    await seeView(page, 'Link Acme')
    await press(page, 'Link Acme')
    await seeAccount(page)
    await expect.poll(() => notice(page).textContent()).toMatch(/Acme is linked/)
    await page.locator('#providers').getByText(email).waitFor()

    await press(page, 'Sign out')
    await press(page, 'Continue with Acme')
    await seeView(page, 'Your account')
    await page.locator('#devices').getByText('with Acme').waitFor()
  })

  it('is linked after signing in with the other provider, if there is no password', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada), server)
    await press(page, 'Continue with Acme')
    await seeAccount(page)
    await press(page, 'Sign out')
    await press(page, 'Continue with Other')
    await seeView(page, 'You already have an account')
    await page.getByText('Sign in to it with Acme').waitFor()
    expect(await page.getByRole('textbox').count()).toBe(0)
    await press(page, 'Sign in with Acme')
    await seeView(page, 'Link Other')
    await press(page, 'Link Other')
    await seeView(page, 'Your account')
    await expect.poll(() => notice(page).textContent()).toMatch(/Other is linked/)
    await expect.poll(() => page.getByRole('button', { name: /^Unlink/ }).count()).toBe(2)
  })

  it('is left alone if the user wants it so', async () => {
    const server = await startWithProviders([ada])
    await server.client.register({ email, password })
    const browser = await openBrowserOf(ada)
    await browser.clock.install()
    const page = await open(browser, server)
    await press(page, 'Continue with Acme')
    await seeView(page, 'You already have an account')
    await press(page, 'Sign in another way')
    await signIn(page, email)
    await seeAccount(page)
    await page.getByRole('button', { name: 'Link Acme' }).waitFor()
    expect(await countNotices(page)).toBe(0)
  })
})

describe('linked providers', () => {
  it('are linked and unlinked, but for the last way in', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada), server)
    await signUp(page, 'somebody@example.com')
    await press(page, 'Link Acme')
    await expect.poll(() => notice(page).textContent()).toMatch(/Acme is linked/)
    await press(page, 'Unlink Acme')
    await press(page, 'Cancel')
    await press(page, 'Unlink Acme')
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click()
    await page.getByText('Acme is unlinked.').waitFor()
    await page.getByRole('button', { name: 'Link Acme' }).waitFor()
    await page.locator('#events').getByText('Acme unlinked').waitFor()

    // Who has come by the provider has no other way in, until there is a password.
    await press(page, 'Sign out')
    await press(page, 'Continue with Acme')
    await seeView(page, 'Your account')
    await page.getByText('Your only way to sign in').waitFor()
    expect(await page.getByRole('button', { name: 'Unlink Acme' }).count()).toBe(0)
    await press(page, 'Set a password…')
    await enter(page, { 'New password': password })
    await press(page, 'Set password')
    await page.getByText('Your password is set').waitFor()
    await press(page, 'Unlink Acme')
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click()
    await page.getByText('Acme is unlinked.').waitFor()
    await page.locator('#events').getByText('Acme unlinked').waitFor()
    await press(page, 'Sign out')
    await signIn(page, email)
    await seeView(page, 'Your account')
  })

  it('say so if the last way in was taken meanwhile', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada), server)
    await press(page, 'Continue with Acme')
    await press(page, 'Set a password…')
    await enter(page, { 'New password': password })
    await press(page, 'Set password')
    await page.getByText('Your password is set').waitFor()
    await press(page, 'Unlink Acme')
    // No page can take a password away; an operator can.
    await server.database.query('update users set password_hash = null')
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click()
    await expect
      .poll(() => page.getByRole('dialog').getByRole('alert').textContent())
      .toMatch(/^Acme is your only way to sign in/)
  })

  it('say so if the provider account is someone else’s', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { expected: [/^console: .*403/] }), server)
    await press(page, 'Continue with Acme')
    await seeAccount(page)
    await press(page, 'Sign out')
    await signUp(page, 'somebody@example.com')
    await press(page, 'Link Acme')
    await seeView(page, 'Your account')
    await expect.poll(() => notice(page).textContent()).toMatch(/linked to another account/)
  })
})
