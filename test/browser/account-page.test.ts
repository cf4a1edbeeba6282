// The whole life of an account through the page that the server gives at /.
import { describe, expect, it } from 'vitest'
import {
  countNotices,
  enter,
  notice,
  open,
  password,
  press,
  seeAccount,
  seeView,
  signIn,
  signUp,
  startAccountPage,
} from '../support/account-page.ts'
import { openBrowser, plainHost } from '../support/browser.ts'
import { freePort } from '../support/free-port.ts'
import { startServer } from '../support/server.ts'
import { startTlsProxy } from '../support/tls-proxy.ts'

const email = 'ada@example.com'

describe('an account', () => {
  it('is made, survives a reload, is there in a second tab, and is left everywhere at once', async () => {
    const server = await startAccountPage()
    const mine = await openBrowser()
    const page = await open(mine, server)
    await page.getByRole('link', { name: 'Create an account' }).click()
    await seeView(page, 'Create an account')
    await enter(page, {
      'E-mail address': ' Ada@Example.com',
      'Name (optional)': 'Ada',
      Password: password,
    })
    await press(page, 'Create account')
    await seeView(page, 'Your account')
    expect(await page.title()).toBe('Your account · Latchkey')
    await page.getByText('Ada', { exact: true }).waitFor()
    await page.getByText(email).waitFor()

    await page.clock.install()
    await page.reload()
    await seeAccount(page)
    const second = await open(mine, server)
    await seeAccount(second)
    const elsewhere = await open(await openBrowser(), server)
    await signIn(elsewhere, email)
    await seeAccount(elsewhere)

    await press(page, 'Sign out everywhere')
    // The tabs do not wait for it.
    const told = page.waitForResponse(
      (response) => response.request().postData()?.includes('"ALL"') === true,
    )
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click()
    for (const tab of [page, second]) {
      await seeView(tab, 'Sign in')
      await expect.poll(() => notice(tab).textContent()).toBe('You are signed out.')
    }
    expect((await told).status()).toBe(200)
    // The other browser learns of it with its next request, and is told why.
    await elsewhere.reload()
    await seeView(elsewhere, 'Sign in')
    await page.reload()
    await seeView(page, 'Sign in')
    expect(await countNotices(page)).toBe(0)
  })

  it('is kept by a cookie that no script sees, with nothing secret next to it', async () => {
    const server = await startAccountPage()
    const browser = await openBrowser()
    const page = await open(browser, server)
    await signUp(page, email)
    const cookies = await browser.cookies()
    expect(cookies).toEqual([
      expect.objectContaining({
        name: expect.stringMatching(/^latchkey-refresh-[\w-]{8}$/),
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        secure: false,
      }),
    ])
    const kept = await page.evaluate(() =>
      JSON.stringify([
        document.cookie,
        Object.entries(localStorage),
        Object.entries(sessionStorage),
        location.href,
      ]),
    )
    expect(kept).not.toMatch(/eyJ|lkr_/)
    await press(page, 'Sign out')
    await seeView(page, 'Sign in')
    await expect.poll(() => browser.cookies()).toEqual([])
  })

  it('is kept by a cookie that needs https, if there is https', async () => {
    const port = await freePort()
    const url = `https://localhost:${port}`
    const server = await startServer({ PUBLIC_URL: url })
    await startTlsProxy(port, server.url)
    const browser = await openBrowser({ ignoreHTTPSErrors: true })
    const page = await open(browser, { url })
    await signUp(page, email)
    expect(await browser.cookies()).toEqual([
      expect.objectContaining({
        name: expect.stringMatching(/^__Host-latchkey-refresh-[\w-]{8}$/),
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        secure: true,
      }),
    ])
    await page.reload()
    await seeView(page, 'Your account')
  })

  it('is not opened by a wrong password', async () => {
    const server = await startAccountPage()
    await server.client.register({ email, password })
    const page = await open(await openBrowser(), server)
    await signIn(page, email, 'not this one')
    await expect.poll(() => notice(page).textContent()).toMatch(/Wrong e-mail or password/)
    // The focus is where it is said, and what was entered is still there.
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('alert')
    expect(await page.getByRole('textbox', { name: 'E-mail address' }).inputValue()).toBe(email)
    await enter(page, { Password: password })
    await press(page, 'Sign in')
    await seeView(page, 'Your account')
  })

  it.each([
    ['', password, 'E-mail address', /Enter your e-mail address/],
    [email, '', 'Password', /Enter the password/],
    [email, 'short', 'Password', /too short/],
    [email, '😀😀', 'Password', /too short/],
    [email, 'ü'.repeat(40), 'Password', /too long/],
    ['no address', password, 'E-mail address', /e-mail address/],
    ['taken@example.com', password, 'E-mail address', /Sign in instead/],
    [email, 'ada@example.com', 'Password', /e-mail address/],
  ])('is not made of %j and %j', async (address, secret, field, message) => {
    const server = await startAccountPage()
    await server.client.register({ email: 'taken@example.com', password })
    const page = await open(await openBrowser(), server)
    await page.getByRole('link', { name: 'Create an account' }).click()
    await seeView(page, 'Create an account')
    await enter(page, { 'E-mail address': address, Password: secret })
    await press(page, 'Create account')
    const input = page.getByRole('textbox', { name: field, exact: true })
    await expect.poll(() => input.getAttribute('aria-invalid')).toBe('true')
    const described = await input.getAttribute('aria-describedby')
    const error = page.locator(`[id="${described!.split(' ')[0]}"]`)
    expect(await error.textContent()).toMatch(message)
    expect(await input.evaluate((element) => element === document.activeElement)).toBe(true)
  })

  it('cannot be made where registration is closed, and the page says so', async () => {
    const server = await startAccountPage({ REGISTRATION: 'closed' })
    const page = await open(await openBrowser(), server)
    await page.getByText('Only the operator of this service can create accounts').waitFor()
    expect(await page.getByRole('link').count()).toBe(0)
    await page.goto(`${server.url}/#sign-up`)
    await seeView(page, 'Registration is closed')
    await page.getByRole('link', { name: 'Go to sign in' }).click()
    await seeView(page, 'Sign in')
  })
})

describe('a password', () => {
  it('is changed, which signs out the other browser and tells it why', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser(), server)
    await signUp(page, email)
    // The page asks for the account again, and the response is that the session has ended.
    const elsewhere = await open(await openBrowser({ allowed: [/^console: .*401/] }), server)
    await signIn(elsewhere, email)
    await seeView(elsewhere, 'Your account')

    await press(page, 'Change password…')
    await enter(page, { 'Current password': 'not this one', 'New password': 'a new one entirely' })
    await press(page, 'Change password')
    await expect.poll(() => notice(page).textContent()).toBe('The current password is not right.')
    await enter(page, { 'Current password': password })
    await press(page, 'Change password')
    await expect.poll(() => notice(page).textContent()).toMatch(/Your password is set/)
    await expect.poll(() => page.locator('#devices').getByText('Chrome on Linux').count()).toBe(1)

    await press(elsewhere, 'Sign out all other devices')
    await seeView(elsewhere, 'Sign in')
    expect(await notice(elsewhere).textContent()).toMatch(/You were signed out from another device/)
    await page.reload()
    await seeView(page, 'Your account')
    await signIn(elsewhere, email)
    await elsewhere.getByText('Wrong e-mail or password').waitFor()
    await enter(elsewhere, { Password: 'a new one entirely' })
    await press(elsewhere, 'Sign in')
    await seeView(elsewhere, 'Your account')
  })

  it('can be seen, and has what password managers look for', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser(), server)
    const tokens = () =>
      page
        .locator('form input')
        .evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).autocomplete))
    await seeView(page, 'Sign in')
    expect(await tokens()).toEqual(['username', 'current-password'])
    await enter(page, { Password: password })
    const input = page.getByRole('textbox', { name: 'Password', exact: true })
    expect(await input.getAttribute('type')).toBe('password')
    await press(page, 'Show password')
    expect(await input.getAttribute('type')).toBe('text')
    await press(page, 'Hide password')
    expect(await input.getAttribute('type')).toBe('password')
    await signUp(page, email)
    await press(page, 'Change password…')
    expect(await tokens()).toEqual(['username', 'current-password', 'new-password'])
  })
})

describe('devices', () => {
  const iPhone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'

  it('are listed by name and signed out one by one, or all others at once', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser(), server)
    await signUp(page, email)
    const allowed = [/^console: .*401/]
    const [phone, first, second] = await Promise.all(
      [{ userAgent: iPhone, allowed }, { allowed }, { allowed }].map(async (options) => {
        const other = await open(await openBrowser(options), server)
        await signIn(other, email)
        await seeView(other, 'Your account')
        return other
      }),
    )
    await page.reload()
    const rows = page.locator('#devices li')
    await expect.poll(() => rows.count()).toBe(4)
    expect(await rows.first().textContent()).toContain('This device')

    await press(page, 'Sign out Safari on iPhone')
    await expect.poll(() => notice(page).textContent()).toBe('Safari on iPhone is signed out.')
    expect(await rows.count()).toBe(3)
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Devices')
    await phone!.reload()
    await seeView(phone!, 'Sign in')
    await first!.reload()
    await seeView(first!, 'Your account')

    await press(page, 'Sign out all other devices')
    await expect.poll(() => notice(page).textContent()).toMatch(/All other devices/)
    expect(await rows.count()).toBe(1)
    for (const other of [first!, second!]) {
      await other.reload()
      await seeView(other, 'Sign in')
    }
    await page.reload()
    await seeView(page, 'Your account')
  })
})

describe('what goes wrong', () => {
  it('is shown with a countdown if there were too many attempts', async () => {
    const server = await startAccountPage({ THROTTLE: 'on' })
    await server.client.register({ email, password })
    const page = await open(await openBrowser({ allowed: [/^console: .*429/] }), server)
    await seeView(page, 'Sign in')
    await enter(page, { 'E-mail address': email, Password: 'not this one' })
    await expect
      .poll(
        async () => {
          await press(page, 'Sign in')
          await page.getByRole('alert').waitFor()
          return notice(page).textContent()
        },
        { interval: 10 },
      )
      .toMatch(/Too many attempts/)
    const countdown = page.locator('.countdown')
    const seconds = async () => Number(/\d+/.exec((await countdown.textContent())!)![0])
    const before = await seconds()
    expect(before).toBeLessThanOrEqual(15)
    await expect.poll(seconds).toBeLessThan(before)
  })
})

describe('the page over plain http, at a name of the local network', () => {
  it('says before a sign-in that the browser will not keep it', async () => {
    const server = await startServer({ HOST: '0.0.0.0' })
    const url = `http://${plainHost}:${new URL(server.url).port}`
    const page = await open(await openBrowser({ allowed: [/Opener-Policy/] }), { url })
    await seeView(page, 'Sign in')
    const plainHttpNotice = page.getByText('This page was not opened over https')
    await plainHttpNotice.waitFor()
    await page.getByRole('link', { name: 'Create an account' }).click()
    await seeView(page, 'Create an account')
    await plainHttpNotice.waitFor()
    expect(await plainHttpNotice.count()).toBe(1)
  })

  it('says nothing of it on this machine', async () => {
    const server = await startAccountPage()
    const page = await open(await openBrowser(), server)
    await seeView(page, 'Sign in')
    expect(await page.getByText('https').count()).toBe(0)
  })
})
