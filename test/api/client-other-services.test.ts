// What the client does when a service that is not Latchkey refuses its token.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createAuthLink } from '../../client/apollo.ts'
import type { AuthClient } from '../../client/index.ts'
import {
  startApolloService,
  startRestService,
  type OtherService,
} from '../support/other-service.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900
const notes: TypedDocumentNode<{ notes: string[] }> = gql`
  query Notes {
    notes
  }
`
const write = gql`
  mutation Write {
    write
  }
`

let server: TestServer
let browser: Browser
/** How far the client's clock is behind: it then sends tokens that have expired. */
let behindSeconds: number
beforeAll(async () => (server = await startServer()))
afterAll(() => server.close())
beforeEach(() => {
  browser = createBrowser(server)
  behindSeconds = 0
})

async function signIn(service: OtherService): Promise<AuthClient> {
  const { email } = await server.client.register({ password })
  const auth = browser.open({
    clock: () => server.now() - behindSeconds * 1000,
    origins: [new URL(service.url).origin],
  })
  await auth.login({ email, password })
  browser.sent.length = 0
  return auth
}

/** The access token has expired, and the client does not know. */
function sleep() {
  server.advance(accessTokenSeconds + 1)
  behindSeconds += accessTokenSeconds + 1
}

function apolloClient(auth: AuthClient, { url }: OtherService) {
  const http = new HttpLink({ uri: url, fetch: (...call) => browser.fetch(...call) })
  return new ApolloClient({
    link: ApolloLink.from([createAuthLink(auth), http]),
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: 'no-cache' } },
  })
}

/** What the link and `fetch` make of a query to a service: its data, or undefined. */
const senders = {
  'the Apollo link': async (auth: AuthClient, service: OtherService, query = notes) =>
    apolloClient(auth, service)
      .query({ query })
      .then(
        ({ data }) => data,
        () => undefined,
      ),
  fetch: async (auth: AuthClient, { url }: OtherService) => {
    const response = await auth.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ notes }"}',
    })
    const text = await response.text()
    return response.ok ? (JSON.parse(text) as { data: { notes: string[] } }).data : undefined
  },
}
type Sender = keyof typeof senders
const services = {
  'a plain 401': (options = {}) => startRestService(server, options),
  'a plain UNAUTHENTICATED of a resolver': (options = {}) => startApolloService(server, options),
  'a plain UNAUTHENTICATED of the context': (options = {}) =>
    startApolloService(server, { refuses: 'in the context', ...options }),
  'a plain UNAUTHENTICATED with the status 401': (options = {}) =>
    startApolloService(server, { status: 401, ...options }),
}
type Service = keyof typeof services
const combinations = (Object.keys(senders) as Sender[]).flatMap((sender) =>
  (Object.keys(services) as Service[])
    // `fetch` looks at the status alone (docs/adr/0016).
    .filter((service) => sender !== 'fetch' || service.includes('401'))
    .map((service) => [sender, service] as const),
)

describe('a token that has expired', () => {
  it.each(combinations)('is renewed by %s after %s, and the query sent again', async (...names) => {
    const [sender, kind] = names
    const service = await services[kind]()
    const auth = await signIn(service)
    expect(await senders[sender](auth, service)).toEqual({ notes: ['one'] })
    sleep()
    expect(await senders[sender](auth, service)).toEqual({ notes: ['one'] })
    expect(browser.count('RefreshToken')).toBe(1)
    expect(service.tokens).toHaveLength(3)
    expect(new Set(service.tokens).size).toBe(2)
    expect(auth.state.status).toBe('signedIn')
  })

  it.each(combinations)('is renewed once for many requests: %s, %s', async (sender, kind) => {
    const service = await services[kind]()
    const auth = await signIn(service)
    await auth.accessToken()
    sleep()
    const all = await Promise.all(
      Array.from({ length: 5 }, async () => senders[sender](auth, service)),
    )
    expect(all).toEqual(Array.from({ length: 5 }, () => ({ notes: ['one'] })))
    expect(browser.count('RefreshToken')).toBe(1)
    expect(service.tokens).toHaveLength(10)
  })
})

describe('a service that refuses every token', () => {
  it.each(combinations)(
    'costs one renewal and one retry, and no session: %s, %s',
    async (...names) => {
      const [sender, kind] = names
      const service = await services[kind]({ isGood: () => false })
      const auth = await signIn(service)
      for (let round = 0; round < 4; round += 1) await senders[sender](auth, service)
      await Promise.all(Array.from({ length: 5 }, async () => senders[sender](auth, service)))
      expect(browser.count('RefreshToken')).toBe(1)
      expect(service.tokens).toHaveLength(10)
      expect(auth.state.status).toBe('signedIn')

      server.advance(31)
      await senders[sender](auth, service)
      expect(browser.count('RefreshToken')).toBe(2)
      expect(auth.state.status).toBe('signedIn')
      expect((await auth.reload())?.email).toContain('@')
    },
  )

  it.each([
    'SESSION_ENDED',
    'TOKEN_INVALID',
    'TOKEN_EXPIRED',
    'ACCOUNT_DISABLED',
    'TOKEN_MISSING',
    7,
  ])('ends no session with a reason of its own: %s', async (reason) => {
    for (const status of [undefined, 401]) {
      const options = { isGood: () => false, extensions: { reason }, ...(status && { status }) }
      const service = await startApolloService(server, options)
      const auth = await signIn(service)
      await senders['the Apollo link'](auth, service)
      await senders.fetch(auth, service)
      expect(browser.count('RefreshToken')).toBe(1)
      expect(auth.state.status).toBe('signedIn')
    }
  })

  it('shows that Latchkey has ended the session', async () => {
    const service = await startApolloService(server, { isGood: () => false })
    const auth = await signIn(service)
    await server.client.as((await auth.accessToken())!).send('mutation { logout }')
    await senders['the Apollo link'](auth, service)
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SESSION_ENDED' })
  })

  it('keeps the session, and hands on the refusal, if the renewal fails', async () => {
    const service = await startRestService(server, { isGood: () => false })
    const auth = await signIn(service)
    browser.network = async ({ operation }, pass) =>
      operation === 'RefreshToken' ? Promise.reject(new TypeError('Failed to fetch')) : pass()
    expect((await auth.fetch(service.url)).status).toBe(401)
    expect(auth.state.status).toBe('signedIn')
  })
})

describe('a mutation of another service', () => {
  it('is sent again if nothing of it can have run', async () => {
    const service = await startApolloService(server, { refuses: 'in the context' })
    const auth = await signIn(service)
    sleep()
    const { data } = await apolloClient(auth, service).mutate({ mutation: write })
    expect(data).toEqual({ write: ['one'] })
    expect(service.runs()).toBe(1)
  })

  it.each([undefined, 401])(
    'is never sent again if it may have run, with the status %s',
    async (status) => {
      const service = await startApolloService(server, status === undefined ? {} : { status })
      const auth = await signIn(service)
      sleep()
      const sent = apolloClient(auth, service).mutate({ mutation: write })
      await expect(sent).rejects.toBeInstanceOf(Error)
      expect(service.runs()).toBe(1)
      expect(browser.count('RefreshToken')).toBe(1)
      sleep()
      await auth.fetch(service.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"query":"mutation { write }"}',
      })
      expect(service.runs()).toBe(2)
    },
  )
})
