// Sign-in with a provider through the client of a front end, at a real OpenID provider.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MeDocument, NetworkError, type AuthClient, type FlowStorage } from '../../client/index.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'
import {
  redirectUri,
  startIdentityProvider,
  type IdentityProvider,
} from '../support/identity-provider.ts'
import { openidVariables } from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'

let idp: IdentityProvider
let server: TestServer
let browser: Browser
let auth: AuthClient
let kept: Map<string, string>
let flows: FlowStorage
beforeAll(async () => {
  idp = await startIdentityProvider()
  idp.add({ sub: 'grace', email: 'grace@example.com', email_verified: true, name: 'Grace' })
  idp.add({ sub: 'taken', email: 'taken@example.com', email_verified: false })
  server = await startServer({ REDIRECT_URIS: redirectUri, ...openidVariables('test', idp) })
  await server.client.register({ email: 'taken@example.com', password })
})
beforeEach(() => {
  browser = createBrowser(server)
  kept = new Map()
  flows = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  }
  auth = browser.open({ flows })
})
afterAll(async () => {
  await server.close()
  await idp.close()
})

/** To the provider and back, as the page that the user comes back to sees it. */
async function visit(
  sub: string,
  options: Parameters<AuthClient['providerLogin']['begin']>[1] = {},
) {
  const { authorizationUrl } = await auth.providerLogin.begin('test', { redirectUri, ...options })
  return idp.signIn(authorizationUrl, sub)
}

describe('providerLogin', () => {
  it('signs in over the page that the user leaves', async () => {
    const back = await visit('grace', { returnTo: '/settings' })
    const page = browser.open({ flows })
    const completed = await page.providerLogin.complete(back)
    expect(completed).toMatchObject({
      purpose: 'login',
      provider: 'test',
      returnTo: '/settings',
      user: { email: 'grace@example.com' },
    })
    expect(page.state).toMatchObject({ status: 'signedIn', user: { email: 'grace@example.com' } })
    expect((await page.request(MeDocument)).me.name).toBe('Grace')
    // The refresh token is in the cookie.
    expect(await browser.open().start()).toMatchObject({ status: 'signedIn' })
    expect(kept).toEqual(new Map())
  })

  it('finds nothing to do on any other page', async () => {
    const { complete } = auth.providerLogin
    expect(await complete('https://app.example.com/')).toBeUndefined()
    expect(await complete('https://app.example.com/?code=SUMMER')).toBeUndefined()
    expect(await complete({ href: 'https://app.example.com/?state=open' })).toBeUndefined()
    expect(browser.sent).toEqual([])
  })

  it('gives two calls for one response the same, and a third page nothing', async () => {
    const back = await visit('grace')
    const { complete } = auth.providerLogin
    const [first, second] = await Promise.all([complete(back), complete(back)])
    expect(first).toBe(second)
    expect(browser.count('LoginWithProvider')).toBe(1)
    await expect(browser.open({ flows }).providerLogin.complete(back)).rejects.toMatchObject({
      code: 'INVALID_FLOW',
    })
  })

  it('takes no response to a flow that was not started here', async () => {
    // Someone sends the user a link with a response of their own: they would be signed in as them.
    const back = await visit('grace')
    const victim = createBrowser(server)
    await expect(victim.open().providerLogin.complete(back)).rejects.toMatchObject({
      code: 'INVALID_FLOW',
    })
    expect(victim.sent).toEqual([])
    const changed = new URL(back)
    changed.searchParams.set('state', `${back.searchParams.get('state')}x`)
    await expect(auth.providerLogin.complete(changed)).rejects.toMatchObject({
      code: 'INVALID_FLOW',
    })
  })

  it('says that the user, or the provider, said no', async () => {
    const said = async (error: string) => {
      const back = await visit('grace')
      const { state } = Object.fromEntries(back.searchParams)
      return auth.providerLogin
        .complete(`${redirectUri}?${new URLSearchParams({ error, state: state! })}`)
        .catch((failure: unknown) => failure)
    }
    expect(await said('access_denied')).toMatchObject({
      serverError: { code: 'PROVIDER_ERROR', provider: 'test', providerError: 'access_denied' },
    })
    // Anybody can write into an address: what is not a code of RFC 6749 is not repeated.
    expect(await said('<b>call 555</b>')).toMatchObject({
      serverError: { code: 'PROVIDER_ERROR', message: expect.not.stringContaining('555') },
    })
    expect(await said('<b>call 555</b>')).not.toHaveProperty('serverError.providerError')
  })

  it('lists the ways to sign in if the e-mail address has an account', async () => {
    const back = await visit('taken')
    await expect(auth.providerLogin.complete(back)).rejects.toMatchObject({
      serverError: { code: 'LINK_REQUIRED', provider: 'test', linkableWith: ['password'] },
    })
    expect(auth.state).not.toMatchObject({ status: 'signedIn' })
  })

  it('links to the user who is signed in', async () => {
    const { email } = await server.client.register({ password })
    await auth.login({ email, password })
    idp.add({ sub: email, email, email_verified: true })
    const back = await visit(email, { purpose: 'link', returnTo: '/providers' })
    const page = browser.open({ flows })
    expect(await page.providerLogin.complete(back)).toMatchObject({
      purpose: 'link',
      returnTo: '/providers',
      user: { email },
    })
    await auth.logout()
    const again = await auth.providerLogin.complete(await visit(email))
    expect(again?.user.email).toBe(email)
  })

  it('has linked if the user cannot be read again afterwards', async () => {
    const { email } = await server.client.register({ password })
    await auth.login({ email, password })
    idp.add({ sub: email, email, email_verified: true })
    const back = await visit(email, { purpose: 'link' })
    browser.network = ({ operation }, pass) =>
      operation === 'Me' ? Promise.reject(new TypeError('Failed to fetch')) : pass()
    expect(await auth.providerLogin.complete(back)).toMatchObject({
      purpose: 'link',
      user: { email },
    })
    expect(kept).toEqual(new Map())
  })

  it('does not lose the cookie with its page', async () => {
    await auth.providerLogin.complete(await visit('grace'))
    expect(browser.sent.at(-1)).toMatchObject({ operation: 'LoginWithProvider', keepalive: true })
  })

  it('can be called again if the network failed', async () => {
    const back = await visit('grace')
    browser.network = () => Promise.reject(new TypeError('Failed to fetch'))
    await expect(auth.providerLogin.complete(back)).rejects.toBeInstanceOf(NetworkError)
    browser.network = (_sent, pass) => pass()
    expect((await auth.providerLogin.complete(back))?.user.name).toBe('Grace')
  })

  it('forgets flows that no one came back to', async () => {
    await visit('grace')
    const back = await visit('grace')
    expect(Object.keys(JSON.parse([...kept.values()][0]!))).toHaveLength(2)
    server.advance(601)
    await expect(auth.providerLogin.complete(back)).rejects.toMatchObject({ code: 'INVALID_FLOW' })
    await visit('grace')
    expect(Object.keys(JSON.parse([...kept.values()][0]!))).toHaveLength(1)
  })

  it('says what is wrong with the beginning', async () => {
    const { begin } = auth.providerLogin
    await expect(begin('nobody', { redirectUri })).rejects.toMatchObject({
      code: 'UNKNOWN_PROVIDER',
    })
    await expect(begin('test', { redirectUri: 'https://evil.example' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    })
    await expect(begin('test')).rejects.toThrow('redirectUri')
    expect(kept).toEqual(new Map())
  })
})
