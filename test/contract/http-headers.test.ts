// ASVS 3.4 and 14.3.2: what every response says to browsers and caches, and to whom it may be shown.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawRequest, sendRaw } from '../support/raw-http.ts'
import { startServer, type TestServer } from '../support/server.ts'

const origin = 'https://good.example'
const appOrigins = [
  'capacitor://localhost',
  'tauri://localhost',
  'chrome-extension://aapbbdbdomjkkjkaonfhkkikfgjllcleb',
]

let server: TestServer
let production: TestServer
beforeAll(async () => {
  server = await startServer({
    ALLOWED_ORIGINS: [origin, 'http://localhost:3000', ...appOrigins].join(),
  })
  production = await startServer({
    HOST: '0.0.0.0',
    PUBLIC_URL: 'https://login.example',
    ALLOWED_ORIGINS: origin,
    ACCOUNT_PAGE: 'off',
  })
})
afterAll(async () => {
  await server.close()
  await production.close()
})

const query = encodeURIComponent('{ __typename }')
const preflighted = { 'apollo-require-preflight': '1' }
const json = { 'content-type': 'application/json' }

const requests: [what: string, path: string, init: RequestInit, status: number][] = [
  ['a query', '/graphql', { method: 'POST', headers: json, body: '{"query":"{__typename}"}' }, 200],
  ['a query by GET', `/graphql?query=${query}`, { headers: preflighted }, 200],
  ['a cross-site GET', `/graphql?query=${query}`, {}, 400],
  [
    'a denied field',
    '/graphql',
    { method: 'POST', headers: json, body: '{"query":"{me{id}}"}' },
    401,
  ],
  ['bad JSON', '/graphql', { method: 'POST', headers: json, body: '{' }, 400],
  ['a form', '/graphql', { method: 'POST', body: new URLSearchParams({ a: 'b' }) }, 415],
  ['a large body', '/graphql', { method: 'POST', headers: json, body: '1'.repeat(200_000) }, 413],
  [
    'a persisted query',
    '/graphql',
    { method: 'POST', headers: json, body: '{"extensions":{"persistedQuery":{}}}' },
    200,
  ],
  ['another method', '/graphql', { method: 'DELETE' }, 405],
  ['a preflight', '/graphql', { method: 'OPTIONS' }, 204],
  ['HEAD', '/graphql', { method: 'HEAD' }, 405],
  ['another document below /.well-known', '/.well-known/openid-configuration', {}, 404],
  ['robots.txt', '/robots.txt', {}, 404],
  ['favicon.ico', '/favicon.ico', {}, 404],
  [
    'the JWKS by another method',
    '/.well-known/jwks.json',
    { method: 'POST', headers: json, body: '{}' },
    405,
  ],
  ['liveness', '/health/live', {}, 200],
  ['readiness', '/health/ready', {}, 200],
  ['no page', '/nope', {}, 404],
  ['a page of another server', '/.env', {}, 404],
  ['a broken address', '/%zz', {}, 400],
]

const readRaw = async (response: Response) => ({
  headers: response.headers,
  status: response.status,
  text: await response.text(),
})

describe('the headers of a response', () => {
  it.each(requests)('are strict: %s', async (_what, path, init, status) => {
    for (const { url } of [server, production]) {
      const { headers, status: actual } = await fetch(url + path, init)
      expect(actual).toBe(status)
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': expect.stringMatching(
          /default-src 'none'.*frame-ancestors 'none'/,
        ),
        'cross-origin-opener-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
      })
      expect(headers.has('x-powered-by')).toBe(false)
      expect(headers.has('server')).toBe(false)
      expect(headers.has('etag')).toBe(false)
      // A response without a body has none.
      const type = headers.get('content-type') ?? 'application/json; charset=utf-8'
      expect(type).toMatch(/^application\/[\w+-]*json; charset=utf-8$/)
    }
  })

  it('promise https exactly if it is https', async () => {
    expect(
      (await fetch(`${server.url}/health/live`)).headers.get('strict-transport-security'),
    ).toBeNull()
    const { headers } = await fetch(`${production.url}/nope`)
    expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
  })

  it('are strict also where Node refuses before there is a request', async () => {
    const { headers, status, body } = await sendRaw(server.url, 'nonsense\r\n\r\n')
    expect(status).toBe(400)
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringMatching(/^default-src 'none'/),
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
    })
    expect(JSON.parse(body)).toEqual({
      errors: [
        { message: 'This is not a valid HTTP request.', extensions: { code: 'BAD_REQUEST' } },
      ],
    })
  })

  // Hono CVE-2026-24472: a response from a cache that was made for someone else.
  it('never let a conditional or partial request get another answer', async () => {
    const { accessToken, user } = await server.client.register()
    const conditional = {
      'if-none-match': '*',
      'if-modified-since': 'Fri, 31 Dec 2100 00:00:00 GMT',
      range: 'bytes=0-1',
    }
    const mine = await server.client.as(accessToken).send('{ me { id } }', {}, conditional)
    expect(mine.status).toBe(200)
    expect(mine.data).toEqual({ me: { id: user.id } })
    const anonymous = await server.client.send('{ me { id } }', {}, conditional)
    expect(anonymous.status).toBe(401)
  })
})

// The one public response: every service that verifies tokens asks for it.
describe('the JWKS', () => {
  const get = (headers: Record<string, string> = {}, init: RequestInit = {}) =>
    fetch(`${server.url}/.well-known/jwks.json`, { ...init, headers })

  it('may be kept for five minutes by anyone, and is as strict as every other response', async () => {
    const { headers, status } = await get()
    expect(status).toBe(200)
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'public, max-age=300',
      'content-type': 'application/jwk-set+json; charset=utf-8',
      'content-security-policy': expect.stringMatching(/default-src 'none'/),
      'x-content-type-options': 'nosniff',
      etag: expect.stringMatching(/^"[\w-]{20,}"$/),
    })
    expect(headers.has('set-cookie')).toBe(false)
  })

  it('is sent again only to a client whose copy differs', async () => {
    const first = await get()
    const etag = first.headers.get('etag')!
    const keys = await first.text()
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, `"other",W/${etag},"x"`, '*']) {
      const { headers, status, text } = await readRaw(await get({ 'if-none-match': condition }))
      expect({ condition, status, text }).toEqual({ condition, status: 304, text: '' })
      expect(headers.get('etag')).toBe(etag)
      expect(headers.get('cache-control')).toBe('public, max-age=300')
      expect(headers.get('access-control-allow-origin')).toBe('*')
    }
    for (const condition of ['"other"', etag.slice(1, -1), etag.slice(0, 8), '', 'W/"*"', '"*"']) {
      const { status, text } = await readRaw(await get({ 'if-none-match': condition }))
      expect({ condition, status, text }).toEqual({ condition, status: 200, text: keys })
    }
    const head = await readRaw(await get({}, { method: 'HEAD' }))
    expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: '' })
    expect(head.headers.get('etag')).toBe(etag)
  })
})

describe('CORS', () => {
  const ask = (from: string, init: RequestInit = {}) =>
    fetch(`${server.url}/graphql`, {
      method: 'POST',
      body: '{"query":"{__typename}"}',
      ...init,
      headers: { ...json, ...(init.headers as Record<string, string>), origin: from },
    })

  it('lets a page of an allowed origin read, with credentials', async () => {
    for (const allowed of [origin, 'http://localhost:3000', ...appOrigins]) {
      const { headers } = await ask(allowed)
      expect(headers.get('access-control-allow-origin')).toBe(allowed)
      expect(headers.get('access-control-allow-credentials')).toBe('true')
      expect(headers.get('vary')).toContain('Origin')
      const preflight = await ask(allowed, {
        method: 'OPTIONS',
        body: null,
        headers: {
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,authorization',
        },
      })
      expect(preflight.headers.get('access-control-allow-origin')).toBe(allowed)
      expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization')
    }
  })

  // hono CVE-2026-54290, Strapi CVE-2025-53092: origins that look alike, and the opaque one.
  it.each([
    'https://evil.example',
    'null',
    'https://good.example.evil.example',
    'https://evilgood.example',
    'https://sub.good.example',
    'https://good.example:8443',
    'http://good.example',
    'https://GOOD.example',
    'https://good.example/',
    'https://good.example, https://evil.example',
    'https://good.example@evil.example',
    'http://localhost',
    'capacitor://localhost.evil.example',
    'capacitor://evil.example',
    'CAPACITOR://localhost',
    'tauri://localhost:1',
    'chrome-extension://bapbbdbdomjkkjkaonfhkkikfgjllcleb',
    'file://',
    '*',
    '',
  ])('lets no page of %j read', async (from) => {
    for (const method of ['POST', 'OPTIONS']) {
      const request = rawRequest(
        `${method} /graphql`,
        [
          `Origin: ${from}`,
          'Content-Type: application/json',
          'Access-Control-Request-Method: POST',
        ],
        '{"query":"{__typename}"}',
      )
      const { headers, status } = await sendRaw(server.url, request)
      expect(status).toBeLessThan(500)
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect(headers.get('vary')).toContain('Origin')
    }
  })

  it('leaves one line a minute in the log for a page of an origin that is not allowed', async () => {
    const strict = await server.sibling({ ALLOWED_ORIGINS: origin })
    const lines = () =>
      strict
        .logText()
        .split('\n')
        .filter((line) => line.includes('ALLOWED_ORIGINS'))
        .map((line) => JSON.parse(line))
    const call = (from: string, method = 'POST', headers = {}) =>
      sendRaw(
        strict.url,
        rawRequest(`${method} /graphql`, [
          `Origin: ${from}`,
          ...Object.entries(headers).map((pair) => pair.join(': ')),
        ]),
      )
    await call(origin)
    // The page of the server itself, under another of its names.
    await call('http://other-name.example', 'POST', { 'sec-fetch-site': 'same-origin' })
    expect(lines()).toEqual([])
    await call('https://app.example', 'OPTIONS', { 'access-control-request-method': 'POST' })
    await call('https://other.example')
    await call('null')
    expect(lines()).toMatchObject([{ level: 'warn', origin: 'https://app.example' }])
    server.advance(60)
    await call(`https://${'a'.repeat(1000)}.example`)
    expect(lines()[1]).toMatchObject({ leftOut: 2 })
    expect(lines()[1].origin).toHaveLength(200)
  })

  it('lets anyone read the public keys, without credentials', async () => {
    const { headers } = await fetch(`${server.url}/.well-known/jwks.json`, {
      headers: { origin: 'https://evil.example' },
    })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('cache-control')).toBe('public, max-age=300')
  })
})

describe('an explorer in the browser', () => {
  const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

  it('is not there in production', async () => {
    const page = await (await fetch(`${server.url}/graphiql`)).text()
    const scripts = Array.from(page.matchAll(/ src="([^"]+)"/g), ([, path]) => path!)
    expect(scripts).not.toEqual([])
    for (const path of [
      '/graphql',
      '/graphql?query={__typename}',
      '/',
      '/playground',
      '/graphiql',
      ...scripts,
    ]) {
      const response = await fetch(production.url + path, { headers: browser })
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(await response.text()).not.toMatch(
        /graphi?ql ?playground|graphiql|sandbox|apollo server/i,
      )
    }
  })

  it.each([
    ['Apollo Sandbox', '/graphql', ['https://sandbox.embed.apollographql.com']],
    ['GraphiQL', '/graphiql', []],
  ])('is %s on loopback, with no script but ours', async (_name, path, frames) => {
    const { headers, status } = await fetch(server.url + path, { headers: browser })
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^text\/html/)
    const policy = headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("; script-src 'self'; ")
    const origins = Array.from(policy.matchAll(/https:[^ ;]+/g), ([url]) => url)
    expect([...new Set(origins)]).toEqual(frames)
    expect(policy).not.toMatch(/\*|http:|unsafe-eval|script-src[^;]*inline/)
    expect(headers.get('cache-control')).toBe('no-store')
  })
})
