import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawRequest, sendRaw } from '../support/raw-http.ts'
import { startServer, type TestServer } from '../support/server.ts'

interface Entry {
  readonly level: string
  readonly time: string
  readonly requestId?: string
  readonly msg: string
}

/** The entries about one request. */
function entriesOf(server: TestServer, requestId: string | null): Entry[] {
  return server
    .logText()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry)
    .filter((entry) => entry.requestId === requestId)
}

describe('the log', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer({ LOG_LEVEL: 'info' })))
  afterAll(() => server.close())

  it.each([
    [
      'POST',
      '/graphql',
      { headers: { 'content-type': 'application/json' }, body: '{"query":"{__typename}"}' },
      200,
    ],
    ['POST', '/graphql', { headers: { 'content-type': 'application/json' }, body: '{' }, 400],
    ['GET', '/graphql?query={__typename}', { headers: { 'apollo-require-preflight': '1' } }, 200],
    ['DELETE', '/graphql', {}, 405],
    ['GET', '/health/live?a=b', {}, 200],
    ['GET', '/nope?a=b', {}, 404],
    ['GET', '/%zz?a=b', {}, 400],
    ['OPTIONS', '/graphql', {}, 204],
  ])('has one line for a request: %s %s', async (method, path, init, status) => {
    const response = await fetch(server.url + path, { method, ...init })
    await response.text()
    const id = response.headers.get('x-request-id')
    expect(id).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
    await expect.poll(() => entriesOf(server, id)).toHaveLength(1)
    expect(entriesOf(server, id)[0]).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      pid: process.pid,
      requestId: id,
      method,
      path: path.split('?')[0],
      status,
      milliseconds: expect.any(Number),
      msg: 'request',
    })
  })

  // A line of its own in a log that is read line by line.
  it('cannot be written to from outside', async () => {
    const injected = '/%0a{"level":"fatal","msg":"injected"}'
    const { headers } = await fetch(server.url + injected, { headers: { 'user-agent': '"}\\n{"' } })
    await expect.poll(() => entriesOf(server, headers.get('x-request-id'))).toHaveLength(1)
    const raw = '/x\\n{"level":"fatal"}\u2028'
    await sendRaw(server.url, rawRequest(`GET ${raw}`))
    for (const line of server.logText().trimEnd().split('\n')) {
      expect(JSON.parse(line).level).not.toBe('fatal')
    }
  })

  it('is quiet if it is configured so', async () => {
    const quiet = await startServer({ LOG_LEVEL: 'error' })
    await quiet.client.send('{ __typename }')
    expect(quiet.logText()).toBe('')
  })
})

describe('the id of a request', () => {
  const given = 'edge-4711:a.b_c'

  it('is made here, whatever a client sends', async () => {
    const server = await startServer()
    const { headers } = await fetch(`${server.url}/health/live`, {
      headers: { 'x-request-id': given, 'request-id': given },
    })
    expect(headers.get('x-request-id')).not.toBe(given)
    expect(server.logText()).not.toContain(given)
  })

  it('is made here, if a client reaches the port past the proxies', async () => {
    const elsewhere = await startServer({ TRUST_PROXY: '10.0.0.0/8,2001:db8::1' })
    const here = await startServer({ TRUST_PROXY: '10.0.0.0/8,127.0.0.0/8' })
    const idFrom = async ({ url }: TestServer) =>
      (await fetch(`${url}/health/live`, { headers: { 'x-request-id': given } })).headers.get(
        'x-request-id',
      )
    expect(await idFrom(elsewhere)).toMatch(/^[\da-f-]{36}$/)
    expect(await idFrom(here)).toBe(given)
  })

  it("is the proxy's, if there is one and it is well-formed", async () => {
    const server = await startServer({ TRUST_PROXY: '1' })
    const idFor = async (id: string) =>
      (
        await sendRaw(server.url, rawRequest('GET /health/live', [`X-Request-Id: ${id}`]))
      ).headers.get('x-request-id')
    expect(await idFor(given)).toBe(given)
    await expect.poll(() => entriesOf(server, given)).toHaveLength(1)
    for (const bad of [
      'short',
      'a'.repeat(129),
      'with space',
      'with"quote',
      'semi;colon',
      '<script>',
      'é'.repeat(8),
      '',
    ]) {
      expect(await idFor(bad)).toMatch(/^[\da-f-]{36}$/)
    }
  })
})
