// The code of docs/guides/front-ends.md, against a real server, as a browser would run it.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ApolloProvider } from '@apollo/client/react'
import { prerenderStatic } from '@apollo/client/react/ssr'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  LoginWithCookieDocument,
  LogoutDocument,
  MeDocument,
  ProtectedDocument,
  ProvidersDocument,
  readServerError,
} from '../../client/index.ts'
import * as apollo from '../../docs/guides/front-ends/apollo.ts'
import * as plain from '../../docs/guides/front-ends/fetch.ts'
import { Profile } from '../../docs/guides/front-ends/profile.tsx'
import { explain } from '../../docs/guides/front-ends/sign-in.tsx'
import { readGuide, shownFiles } from '../support/guide.ts'
import { startServer, type TestServer } from '../support/server.ts'

const guide = readGuide('front-ends')
const address = 'http://localhost:4000'
const origin = 'http://localhost:5173'
const password = 'correct horse battery'

let server: TestServer
let email: string
/** The operations that were sent, by name. */
let sent: string[]
beforeAll(async () => {
  server = await startServer({ ALLOWED_ORIGINS: origin })
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ name: 'Ada', password }))
  sent = []
  vi.stubGlobal('fetch', browserFetch())
})
afterEach(() => {
  vi.unstubAllGlobals()
})
afterAll(() => server.close())

/** Node's own fetch, with what a browser does beside: the origin, the cookies, the rules of CORS. */
function browserFetch(): typeof fetch {
  const { fetch: send } = globalThis
  let cookie = ''
  return async (input, init = {}) => {
    const headers = new Headers(init.headers)
    headers.set('origin', origin)
    if (cookie !== '' && init.credentials === 'include') headers.set('cookie', cookie)
    const { query, operationName } = JSON.parse(init.body as string)
    sent.push(operationName ?? query)
    const url = (input as string).replace(address, server.url)
    const response = await send(url, { ...init, headers })
    if (response.headers.get('access-control-allow-origin') !== origin) {
      throw new TypeError('Failed to fetch')
    }
    if (response.headers.get('access-control-allow-credentials') === 'true') {
      const [pair] = response.headers.getSetCookie().map((header) => header.split(';')[0]!)
      if (pair !== undefined) cookie = pair.endsWith('=') ? '' : pair
    }
    return response
  }
}

const accessTokenSeconds = 900

describe('docs/guides/front-ends.md', () => {
  it('shows the files that lie beside it, and all of them', () => {
    // A copy of client/ in a front end.
    const { ['latchkey/index.ts']: standIn, ...files } = guide.files
    expect(standIn).toContain('client/index.ts')
    expect(shownFiles(guide)).toEqual(files)
  })

  it('shows curl with a cookie, and what it answers', async () => {
    const part = guide.text.split('<!-- cookie -->')[1]!.split('<!-- /cookie -->')[0]!
    const blocks = (language: string) =>
      Array.from(
        part.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms')),
        ([, body]) => body!.trim(),
      )
    const script = blocks('sh')
      .join('\n')
      .replaceAll('http://127.0.0.1:4000', server.url)
      .replaceAll('ada@example.com', email)
    const cwd = await mkdtemp(join(tmpdir(), 'latchkey-curl-'))
    try {
      const { stdout } = await promisify(execFile)('bash', ['-eu', '-c', script], { cwd })
      expect(stdout.trim()).toBe(blocks('text').join('\n').replaceAll('ada@example.com', email))
    } finally {
      await rm(cwd, { recursive: true, force: true })
    }
  })
})

describe('fetch.ts', () => {
  it('signs in, outlives the access token and the page, and learns of the end', async () => {
    expect((await plain.signIn(email, 'not the password')).errors?.[0]?.extensions.code).toBe(
      'INVALID_CREDENTIALS',
    )
    expect((await plain.signIn(email, password)).errors).toBeUndefined()
    const greet = () => plain.request<{ protected: string }>('{ protected }')
    expect((await greet()).data?.protected).toContain(email)

    server.advance(accessTokenSeconds + 1)
    expect((await greet()).data?.protected).toContain(email)
    // The page is loaded: only the cookie is left.
    expect(await plain.refresh()).toBe(true)

    await plain.request('mutation { logout(scope: ALL) }')
    expect((await greet()).errors?.[0]?.extensions.reason).toBe('SESSION_ENDED')
    expect(await plain.refresh()).toBe(false)
  })
})

describe('apollo.ts', () => {
  const { client } = apollo
  const ask = () => client.query({ query: MeDocument, fetchPolicy: 'network-only' })

  async function signIn() {
    const variables = { email, password }
    const { data } = await client.mutate({ mutation: LoginWithCookieDocument, variables })
    expect(data?.login.refreshToken).toBeNull()
    apollo.setAccessToken(data?.login.accessToken)
  }
  afterEach(() => apollo.setAccessToken(undefined))

  it('refreshes once, and sends again, where operations meet the end of an access token', async () => {
    await signIn()
    expect((await ask()).data?.me.email).toBe(email)
    server.advance(accessTokenSeconds + 1)
    sent = []
    const [me, greeting, providers] = await Promise.all([
      ask(),
      client.query({ query: ProtectedDocument, fetchPolicy: 'network-only' }),
      client.query({ query: ProvidersDocument, fetchPolicy: 'network-only' }),
    ])
    expect(me.data?.me.email).toBe(email)
    expect(greeting.data?.protected).toContain(email)
    // It is public: the stale token does not hinder it.
    expect(providers.data?.providers).toEqual([])
    expect(sent.toSorted()).toEqual(
      ['Me', 'Me', 'Protected', 'Protected', 'Providers', 'RefreshToken'].toSorted(),
    )
  })

  it('knows by the cookie that somebody is signed in, until they are not', async () => {
    expect(await apollo.refresh()).toBe(false)
    await signIn()
    apollo.setAccessToken(undefined)
    expect(await apollo.refresh()).toBe(true)
    expect((await ask()).data?.me.email).toBe(email)
    await client.mutate({ mutation: LogoutDocument })
    expect(await apollo.refresh()).toBe(false)
  })

  it('says that the session has ended, and does not ask again', async () => {
    await signIn()
    const elsewhere = await server.client.login(email, password)
    await server.client.as(elsewhere.data.login.accessToken).send('mutation { logout(scope: ALL) }')
    sent = []
    const error = await ask().catch((reason: unknown) => reason)
    expect(readServerError(error)).toMatchObject({ reason: 'SESSION_ENDED' })
    server.advance(accessTokenSeconds + 1)
    const later = await ask().catch((reason: unknown) => reason)
    expect(readServerError(later)).toMatchObject({ reason: 'TOKEN_EXPIRED' })
    expect(sent).toEqual(['Me', 'Me', 'RefreshToken'])
  })

  it('keeps the session where the server was only not reached', async () => {
    await signIn()
    const { fetch: reachable } = globalThis
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
    await expect(apollo.refresh()).rejects.toThrow('Failed to fetch')
    vi.stubGlobal('fetch', reachable)
    expect((await ask()).data?.me.email).toBe(email)
  })

  it('shows the person, or the form to sign in', async () => {
    const render = async () => {
      const tree = createElement(ApolloProvider, { client, children: createElement(Profile) })
      return (await prerenderStatic({ tree, renderFunction: renderToStaticMarkup })).result
    }
    expect(await render()).toContain('type="password"')
    await signIn()
    expect(await render()).toContain('Hello, Ada!')
  })
})

describe('sign-in.tsx', () => {
  it('explains what a person can do something about', () => {
    const message = ''
    expect(explain({ code: 'INVALID_CREDENTIALS', message })).toContain('Wrong')
    expect(explain({ code: 'RATE_LIMITED', retryAfter: 7, message })).toContain('7 seconds')
    expect(explain({ code: 'UNAUTHENTICATED', reason: 'ACCOUNT_DISABLED', message })).toContain(
      'disabled',
    )
    expect(explain(undefined)).toContain('later')
  })
})
