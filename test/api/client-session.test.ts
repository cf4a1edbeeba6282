// The client of a front end, in one tab, against a real server.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AuthError, MeDocument, NetworkError, ProtectedDocument } from '../../client/index.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let browser: Browser
let email: string
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  browser = createBrowser(server)
  ;({ email } = await server.client.register({ password, name: 'Ada' }))
})
afterAll(() => server.close())

describe('a session', () => {
  it('begins with a sign-in, outlives its access token and the page, and ends with a sign-out', async () => {
    const auth = browser.open()
    expect(await auth.start()).toEqual({ status: 'signedOut' })
    expect(await auth.accessToken()).toBeUndefined()
    const user = await auth.login({ email, password })
    expect(user).toMatchObject({ email, name: 'Ada' })
    expect(auth.state).toEqual({ status: 'signedIn', user })
    expect((await auth.request(ProtectedDocument)).protected).toContain(email)

    server.advance(accessTokenSeconds + 1)
    expect((await auth.request(ProtectedDocument)).protected).toContain(email)
    const reloaded = browser.open()
    expect(reloaded.state).toEqual({ status: 'unknown' })
    expect(await reloaded.start()).toEqual({ status: 'signedIn', user })

    await reloaded.logout()
    expect(reloaded.state).toEqual({ status: 'signedOut', reason: 'SIGNED_OUT' })
    expect(browser.cookie).toBe('')
    expect(await browser.open().start()).toEqual({ status: 'signedOut' })
  })

  it('is renewed once, whatever number of calls meets the end of an access token', async () => {
    const auth = browser.open()
    await auth.login({ email, password })
    server.advance(accessTokenSeconds + 1)
    browser.sent.length = 0
    const answers = await Promise.all(Array.from({ length: 100 }, () => auth.request(MeDocument)))
    expect(answers.map(({ me }) => me.email)).toEqual(Array.from({ length: 100 }, () => email))
    expect(browser.count('RefreshToken')).toBe(1)
    expect(browser.count('Me')).toBe(100)
  })

  it('does not lose a new cookie with its page: each request that sets one continues', async () => {
    const auth = browser.open()
    await auth.register({ email: `new.${email}`, password })
    await auth.changePassword({ currentPassword: password, newPassword: `${password} staple` })
    await auth.logout()
    await auth.login({ email, password })
    server.advance(accessTokenSeconds + 1)
    await auth.accessToken()
    await auth.logout('ALL')
    const goesOn = browser.sent.filter(({ keepalive }) => keepalive)
    expect(goesOn.map(({ operation }) => operation)).toEqual(browser.names())
  })

  it('says what the server says, and says that from not being reached', async () => {
    const auth = browser.open()
    const wrong = auth.login({ email, password: 'not the password' })
    await expect(wrong).rejects.toBeInstanceOf(AuthError)
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    browser.network = () => Promise.reject(new TypeError('Failed to fetch'))
    await expect(auth.login({ email, password })).rejects.toBeInstanceOf(NetworkError)
  })
})

describe('a new password', () => {
  it('is refused if the current one is wrong, which ends nothing', async () => {
    const auth = browser.open()
    await auth.login({ email, password })
    await expect(
      auth.changePassword({ currentPassword: 'not it', newPassword: 'battery staple correct' }),
    ).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })
})
