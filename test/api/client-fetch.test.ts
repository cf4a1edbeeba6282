// What the client's `fetch` and Apollo link send, to whom, and what they send twice.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createAuthLink } from '../../client/apollo.ts'
import {
  MeDocument,
  ProtectedDocument,
  readServerError,
  type AuthClient,
  type TypedDocumentNode,
} from '../../client/index.ts'
import { createBrowser, type Browser } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let browser: Browser
let auth: AuthClient
let email: string
/** How far the client's clock is behind: it then sends tokens whose time is over. */
let behindSeconds: number
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ password }))
  browser = createBrowser(server)
  behindSeconds = 0
  auth = browser.open({
    clock: () => server.now() - behindSeconds * 1000,
    origins: ['https://notes.example.com'],
  })
  await auth.login({ email, password })
  browser.sent.length = 0
})
afterAll(() => server.close())

/** The access token's time is over, and the client does not know. */
function sleep() {
  server.advance(accessTokenSeconds + 1)
  behindSeconds += accessTokenSeconds + 1
}

function post(query: string, init: RequestInit = {}) {
  return auth.fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
    ...init,
  })
}
const read = async (response: Promise<Response>) => (await response).json()

/** How often each operation was sent by its text. */
const sentTimes = (text: string) => browser.sent.filter(({ body }) => body.includes(text)).length

describe('fetch', () => {
  it('sends an operation again that was refused as expired, and gives a response to be read once', async () => {
    sleep()
    const response = await post('{ protected }')
    expect(response.status).toBe(200)
    expect((await response.json()).data.protected).toContain(email)
    expect(sentTimes('{ protected }')).toBe(2)
  })

  it('takes whatever fetch takes', async () => {
    const url = `${server.url}/graphql`
    const init = {
      method: 'POST',
      headers: new Headers({ 'content-type': 'application/json' }),
      body: JSON.stringify({ query: '{ protected }' }),
    }
    const address = `${url}?${new URLSearchParams({ query: '{ protected }' })}`
    const get = { headers: { 'apollo-require-preflight': '1' } }
    for (const send of [
      () => auth.fetch(new URL(url), init),
      () => auth.fetch(new Request(url, init)),
      () => auth.fetch(new Request(url, { ...init, method: 'PUT' }), init),
      () => auth.fetch(address, get),
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await read(send())).data.protected).toContain(email)
      sleep()
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await read(send())).data.protected).toContain(email)
    }
  })

  it('cannot send a stream again: it hands the refusal on, with the token renewed', async () => {
    sleep()
    const stream = new Blob([JSON.stringify({ query: '{ protected }' })]).stream()
    const refused = await post('', { body: stream, duplex: 'half' } as RequestInit)
    expect(refused.status).toBe(401)
    expect(browser.count('RefreshToken')).toBe(1)
    expect((await read(post('{ protected }'))).data.protected).toContain(email)
    expect(browser.count('RefreshToken')).toBe(1)
  })

  it('sends a mutation again that was refused before it ran', async () => {
    sleep()
    expect((await read(post('mutation { revokeSession(id: "none") }'))).data.revokeSession).toBe(
      false,
    )
  })

  it.each([
    ['of which the first field has run', 'mutation { providers: logout revokeSession(id: "x") }'],
    [
      'whose fields are not to be seen',
      'mutation { ...M } fragment M on Mutation { revokeSession(id: "x") }',
    ],
  ])('never sends a mutation twice %s', async (_which, query) => {
    sleep()
    const response = await post(query)
    expect(response.status).toBe(401)
    expect(sentTimes('revokeSession')).toBe(1)
  })

  it('never sends a mutation twice of which something deeper was refused', async () => {
    const extensions = { code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' }
    const errors = [{ message: '', path: ['write', 'author'], extensions }]
    browser.network = async ({ body }, pass) =>
      body.includes('write') ? Response.json({ data: null, errors }, { status: 401 }) : pass()
    expect((await post('mutation { write { author } }')).status).toBe(401)
    expect(sentTimes('write')).toBe(1)
  })

  it('hands on a response that has data next to the refusal', async () => {
    const extensions = { code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' }
    const answer = { data: { open: 1, guarded: null }, errors: [{ message: '', extensions }] }
    browser.network = async () => Response.json(answer)
    expect(await read(post('{ open guarded }'))).toEqual(answer)
    expect(browser.sent).toHaveLength(1)
  })

  it('gives the token to its own server and to those that the app lists, and to no one else', async () => {
    const seen = new Map<string, string | null>()
    // Of the same host: another program, and perhaps another user's.
    const otherPort = server.url.replace(/:\d+$/, ':1')
    browser.network = async ({ authorization, url }) => {
      seen.set(new URL(url).origin, authorization)
      return new Response('fine')
    }
    const token = `Bearer ${await auth.accessToken()}`
    for (const address of [
      `${server.url}/health/live`,
      'https://notes.example.com/notes',
      'https://evil.example/?https://notes.example.com',
      'https://notes.example.com.evil.example/',
      'http://notes.example.com/',
      'https://notes.example.com:8443/',
      'https://notes.example.com:443/',
      server.url.replace('127.0.0.1', 'localhost'),
      `${otherPort}/graphql`,
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await auth.fetch(address)
    }
    expect(Object.fromEntries(seen)).toEqual({
      [server.url]: token,
      'https://notes.example.com': token,
      'https://evil.example': null,
      'https://notes.example.com.evil.example': null,
      'http://notes.example.com': null,
      'https://notes.example.com:8443': null,
      [otherPort]: null,
      [server.url.replace('127.0.0.1', 'localhost')]: null,
    })
  })

  it('leaves a header alone that the caller has set', async () => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer mine' }
    const answer = await read(post('{ protected }', { headers }))
    expect(answer.errors[0].extensions.reason).toBe('TOKEN_INVALID')
    expect(auth.state).toMatchObject({ status: 'signedIn' })
  })

  it('renews for a service that only says 401, even if it cannot send a stream again', async () => {
    const notes = 'https://notes.example.com/notes'
    const first = `Bearer ${await auth.accessToken()}`
    browser.network = async ({ authorization, url }, pass) => {
      if (url !== notes) return pass()
      return new Response('', { status: authorization === first ? 401 : 200 })
    }
    const stream = { method: 'POST', body: new Blob(['{}']).stream(), duplex: 'half' }
    expect((await auth.fetch(notes, stream as RequestInit)).status).toBe(401)
    expect(browser.sent.filter(({ url }) => url === notes)).toHaveLength(1)
    expect((await auth.fetch(notes)).status).toBe(200)
    expect(browser.count('RefreshToken')).toBe(1)
  })

  it('does not renew over and over if the server refuses each token', async () => {
    const extensions = { code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' }
    const answer = { data: null, errors: [{ message: '', path: ['me'], extensions }] }
    browser.network = async ({ operation }, pass) =>
      operation === 'RefreshToken' ? pass() : Response.json(answer, { status: 401 })
    const response = await post('{ me { id } }')
    expect(response.status).toBe(401)
    expect(browser.sent).toHaveLength(3)
  })
})

describe('createAuthLink', () => {
  function createApollo() {
    const http = new HttpLink({
      uri: `${server.url}/graphql`,
      // Without any token of its own.
      fetch: (input, init) => browserFetch(input, init),
    })
    return new ApolloClient({
      link: ApolloLink.from([createAuthLink(auth), http]),
      cache: new InMemoryCache(),
      defaultOptions: { query: { fetchPolicy: 'no-cache' } },
    })
  }
  const browserFetch: typeof fetch = (input, init) => browser.fetch(input, init)

  it('attaches the token, renews it once for all, and sends again', async () => {
    const apollo = createApollo()
    expect((await apollo.query({ query: MeDocument })).data?.me.email).toBe(email)
    server.advance(accessTokenSeconds + 1)
    await Promise.all([
      apollo.query({ query: MeDocument }),
      apollo.query({ query: ProtectedDocument }),
    ])
    expect(browser.count('RefreshToken')).toBe(1)
    sleep()
    browser.sent.length = 0
    const [me, greeting] = await Promise.all([
      apollo.query({ query: MeDocument }),
      apollo.query({ query: ProtectedDocument }),
    ])
    expect(me.data?.me.email).toBe(email)
    expect(greeting.data?.protected).toContain(email)
    expect(browser.names().toSorted()).toEqual(
      ['Me', 'Me', 'Protected', 'Protected', 'RefreshToken'].toSorted(),
    )
  })

  it('asks again for a query that had a response in part', async () => {
    const extensions = { code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED' }
    let times = 0
    browser.network = async ({ operation }, pass) => {
      if (operation !== 'Me' || times > 0) return pass()
      times += 1
      return Response.json({ data: { me: null }, errors: [{ message: '', extensions }] })
    }
    const { data } = await createApollo().query({ query: MeDocument })
    expect(data?.me.email).toBe(email)
    times = 0
    expect((await auth.request(MeDocument)).me.email).toBe(email)
  })

  it('never sends a mutation twice that may have run in part', async () => {
    sleep()
    const mutation: TypedDocumentNode<unknown, {}> = gql`
      mutation Both {
        logout(scope: OTHERS)
        revokeSession(id: "none")
      }
    `
    const refused = await createApollo()
      .mutate({ mutation })
      .catch((error: unknown) => error)
    expect(readServerError(refused)).toMatchObject({ reason: 'TOKEN_EXPIRED' })
    expect(browser.count('Both')).toBe(1)
  })

  it('ends the session if the server says so', async () => {
    const elsewhere = await server.client.login(email, password)
    await server.client.as(elsewhere.data.login.accessToken).send('mutation { logout(scope: ALL) }')
    const refused = await createApollo()
      .query({ query: MeDocument })
      .catch((error: unknown) => error)
    expect(readServerError(refused)).toMatchObject({ reason: 'SESSION_ENDED' })
    expect(auth.state).toEqual({ status: 'signedOut', reason: 'SESSION_ENDED' })
  })
})
