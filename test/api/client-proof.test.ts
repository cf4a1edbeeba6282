// What the client of a front end does when a field needs a recent proof of who its user is.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAuthLink } from '../../client/apollo.ts'
import {
  UnlinkProviderDocument,
  errorCode,
  readServerError,
  type AskForProof,
  type AuthClient,
} from '../../client/index.ts'
import {
  redirectUri,
  startIdentityProvider,
  type IdentityProvider,
} from '../support/identity-provider.ts'
import { eventually } from '../support/patience.ts'
import { openidVariables } from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'

const password = 'correct horse battery'
/** Needs a recent proof, and then fails, because nothing is linked. */
const variables = { provider: 'test' }
const passed = 'UNKNOWN_PROVIDER'
const refused = 'REAUTHENTICATION_REQUIRED'

let idp: IdentityProvider
let server: TestServer
let browser: Browser
let email: string
beforeAll(async () => {
  idp = await startIdentityProvider()
  server = await startServer({
    REDIRECT_URIS: redirectUri,
    ACCESS_TOKEN_LIFETIME: '15m',
    ...openidVariables('test', idp),
  })
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ password }))
  browser = createBrowser(server)
})
afterAll(async () => {
  await server.close()
  await idp.close()
})

/** A page whose user signed in ten minutes ago. */
async function openStale(ask?: AskForProof, seconds = 600): Promise<AuthClient> {
  const auth = browser.open(ask && { onReauthenticationRequired: ask })
  await auth.login({ email, password })
  server.advance(seconds)
  return auth
}
const unlink = (auth: AuthClient) => outcomeOf(auth.request(UnlinkProviderDocument, variables))
const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => errorCode(error),
  )
const nextTurn = () => new Promise((resolve) => setTimeout(resolve))

describe('an operation that needs a recent proof', () => {
  it('is sent again after the app has asked for it, with the token of the proof', async () => {
    const ask = vi.fn<AskForProof>(async () => {
      await auth.reauthenticate({ password })
      return true
    })
    const auth = await openStale(ask)
    expect(auth.proofAge()).toBeCloseTo(600, -1)
    expect(await unlink(auth)).toBe(passed)
    expect(ask).toHaveBeenCalledTimes(1)
    expect(ask.mock.calls[0]![0]).toMatchObject({ maxAge: 300, methods: ['password'] })
    expect(auth.proofAge()).toBeLessThan(60)
    expect(browser.count('UnlinkProvider')).toBe(2)
    const tokens = browser.sent.filter(({ operation }) => operation === 'UnlinkProvider')
    expect(new Set(tokens.map(({ authorization }) => authorization)).size).toBe(2)
    // Within the next minutes no one is asked.
    expect(await unlink(auth)).toBe(passed)
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('fails with what the proof needs, if the app has not said how to ask', async () => {
    const auth = await openStale()
    const error = await auth
      .request(UnlinkProviderDocument, variables)
      .catch((each: unknown) => each)
    expect(readServerError(error)).toMatchObject({
      code: refused,
      maxAge: 300,
      methods: ['password'],
    })
    expect(browser.count('UnlinkProvider')).toBe(1)
    expect(browser.count('RefreshToken')).toBe(0)
  })

  it('waits with all others for one proof', async () => {
    const ask = vi.fn<AskForProof>(async () => {
      await nextTurn()
      await auth.reauthenticate({ password })
      return true
    })
    const auth = await openStale(ask)
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => unlink(auth)))
    expect(outcomes).toEqual(Array(5).fill(passed))
    expect(ask).toHaveBeenCalledTimes(1)
    expect(browser.count('Reauthenticate')).toBe(1)
  })

  it('fails as the server said if the user cancels, and asks again the next time', async () => {
    const ask = vi.fn<AskForProof>(() => false)
    const auth = await openStale(ask)
    expect(await Promise.all([unlink(auth), unlink(auth)])).toEqual([refused, refused])
    expect(browser.count('UnlinkProvider')).toBe(2)
    expect(await unlink(auth)).toBe(refused)
    expect(ask.mock.calls.length).toBeGreaterThan(1)
    expect(auth.state.status).toBe('signedIn')
  })

  it('is not sent again if the app says that there was a proof, and there was none', async () => {
    const auth = await openStale(() => true)
    expect(await unlink(auth)).toBe(refused)
    expect(browser.count('UnlinkProvider')).toBe(1)
  })

  it('fails with what the app throws', async () => {
    const auth = await openStale(() => Promise.reject(new Error('The dialog is broken')))
    await expect(auth.request(UnlinkProviderDocument, variables)).rejects.toThrow('is broken')
  })

  it('asks no one if it could not be sent again, since another field may have run', async () => {
    const ask = vi.fn<AskForProof>(() => true)
    const auth = await openStale(ask)
    const two = gql`
      mutation Two($id: ID!) {
        revokeSession(id: $id)
        unlinkProvider(provider: "test") {
          id
        }
      }
    `
    expect(await outcomeOf(auth.request(two, { id: 'none' }))).toBe(refused)
    expect(ask).not.toHaveBeenCalled()
    expect(browser.count('Two')).toBe(1)
  })

  it('is sent again by the link of Apollo Client and by fetch, too', async () => {
    const ask = vi.fn<AskForProof>(async () => {
      await auth.reauthenticate({ password })
      return true
    })
    const auth = await openStale(ask)
    const apollo = new ApolloClient({
      link: ApolloLink.from([
        createAuthLink(auth),
        new HttpLink({ uri: `${server.url}/graphql`, fetch: browser.fetch }),
      ]),
      cache: new InMemoryCache(),
    })
    const mutation = UnlinkProviderDocument
    expect(await outcomeOf(apollo.mutate({ mutation, variables }))).toBe(passed)
    server.advance(400)
    const response = await auth.fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'mutation { unlinkProvider(provider: "test") { id } }' }),
    })
    expect(await response.text()).toContain(passed)
    expect(ask).toHaveBeenCalledTimes(2)
    expect(browser.count('RefreshToken')).toBeLessThanOrEqual(1)
  })

  it('continues after its token had expired as well', async () => {
    const ask = vi.fn<AskForProof>(async () => {
      await late.reauthenticate({ password })
      return true
    })
    await openStale(undefined, 0)
    // Behind by an hour: the client does not know that its token has expired.
    const late = browser.open({
      onReauthenticationRequired: ask,
      clock: () => server.now() - 3_600_000,
    })
    await late.start()
    server.advance(1000)
    expect(await unlink(late)).toBe(passed)
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('continues when the proof is given in another tab, whose dialog is then not needed', async () => {
    let signal: AbortSignal | undefined
    const auth = await openStale((required) => {
      signal = required.signal
      return new Promise(() => {})
    })
    const other = browser.open()
    await other.start()
    const waiting = unlink(auth)
    await eventually(() => expect(signal).toBeDefined())
    expect(signal!.aborted).toBe(false)
    await other.reauthenticate({ password })
    expect(await waiting).toBe(passed)
    expect(signal!.aborted).toBe(true)
  })

  it('does not wait for a proof any longer when the session ends', async () => {
    let signal: AbortSignal | undefined
    const auth = await openStale((required) => {
      signal = required.signal
      return new Promise(() => {})
    })
    const waiting = unlink(auth)
    await eventually(() => expect(signal).toBeDefined())
    await auth.logout()
    expect(await waiting).toBe(refused)
    expect(signal!.aborted).toBe(true)
  })
})

describe('a proof', () => {
  it('that is wrong leaves the session as it is', async () => {
    const auth = await openStale()
    expect(await outcomeOf(auth.reauthenticate({ password: 'not the password' }))).toBe(
      'INVALID_CREDENTIALS',
    )
    expect(auth.state.status).toBe('signedIn')
    await auth.reauthenticate({ password })
    expect(await unlink(auth)).toBe(passed)
  })

  it('can be given with a provider, over a page that the user leaves', async () => {
    idp.add({ sub: 'ada', email: 'ada@example.com', email_verified: true })
    // The provider's clock is the real one.
    const own = await startServer({ REDIRECT_URIS: redirectUri, ...openidVariables('test', idp) })
    const tabs = createBrowser(own)
    const login = tabs.open()
    const flow = await login.providerLogin.begin('test', { redirectUri })
    await login.providerLogin.complete(await idp.signIn(flow.authorizationUrl, 'ada'))
    await own.database.query('update sessions set authenticated_at = 1000000')
    const page = tabs.open()
    await page.start()
    expect(await outcomeOf(page.request(UnlinkProviderDocument, { provider: 'none' }))).toBe(
      refused,
    )
    const proof = await page.providerLogin.begin('test', {
      redirectUri,
      purpose: 'reauthenticate',
      returnTo: '/settings',
    })
    const completed = await page.providerLogin.complete(
      await idp.signIn(proof.authorizationUrl, 'ada'),
    )
    expect(completed).toMatchObject({ purpose: 'reauthenticate', returnTo: '/settings' })
    expect(await outcomeOf(page.request(UnlinkProviderDocument, { provider: 'none' }))).toBe(passed)
  })
})
