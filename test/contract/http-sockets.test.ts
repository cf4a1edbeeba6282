// What arrives as bytes and not as a request: smuggling, broken heads, slow senders, noise.
import dns from 'node:dns'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { needs } from '../support/needs.ts'
import { openSocket, rawRequest, readUntilClosed, sendRaw } from '../support/raw-http.ts'
import { startServer, type TestServer } from '../support/server.ts'

const json = 'Content-Type: application/json'
const body = '{"query":"{__typename}"}'
const queryByGet = '/graphql?query={__typename}'
const preflighted = 'apollo-require-preflight: 1'

let server: TestServer
beforeAll(async () => (server = await startServer()))
afterAll(() => server.close())

/** A whole request head, as it is. */
const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`

describe('a request that two servers could read differently', () => {
  const post = 'POST /graphql HTTP/1.1'
  const smuggled = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n'
  // RFC 9112 sections 5.2, 6.1 and 6.3; ASVS 4.2.1.
  it.each([
    [
      'Content-Length and Transfer-Encoding',
      head(post, 'Host: a', json, 'Content-Length: 6', 'Transfer-Encoding: chunked') + '0\r\n\r\nG',
    ],
    [
      'the two in the other order',
      head(post, 'Host: a', json, 'Transfer-Encoding: chunked', 'Content-Length: 6') + '0\r\n\r\nG',
    ],
    [
      'two lengths',
      head(post, 'Host: a', json, 'Content-Length: 0', `Content-Length: ${smuggled.length}`) +
        smuggled,
    ],
    ['two lengths in one', head(post, 'Host: a', json, 'Content-Length: 0, 5') + smuggled],
    ['a signed length', head(post, 'Host: a', json, 'Content-Length: +5') + smuggled],
    ['a hexadecimal length', head(post, 'Host: a', json, 'Content-Length: 0x5') + smuggled],
    [
      'an unknown transfer coding',
      head(post, 'Host: a', json, 'Transfer-Encoding: xchunked') + '0\r\n\r\n',
    ],
    [
      'chunked, and then another',
      head(post, 'Host: a', json, 'Transfer-Encoding: chunked, identity') + '0\r\n\r\n',
    ],
    ['a bad chunk size', head(post, 'Host: a', json, 'Transfer-Encoding: chunked') + 'zz\r\n\r\n'],
    ['a folded header', head(post, 'Host: a', 'X-A: b', ' c', json)],
    ['a space before the colon', head(post, 'Host: a', 'Content-Length : 5', json) + 'abcde'],
    ['a control character in a header', head(post, 'Host: a', 'X-A: b\x01c', json)],
    ['a bare carriage return', head(post, 'Host: a', 'X-A: b\rX-B: c', json)],
    ['no Host', head('GET /health/live HTTP/1.1')],
    ['a method that is none', head('FOO /graphql HTTP/1.1', 'Host: a')],
    ['HTTP/2 in clear', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', Buffer.from('16030100a5010000a10303', 'hex')],
    ['zeros', '\0\0\0\0\r\n\r\n'],
  ])('is refused, and the connection closed: %s', async (_what, bytes) => {
    const answer = await sendRaw(server.url, bytes)
    expect(answer.status).toBe(400)
    expect(answer.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
  })

  it('is refused if its header is larger than 16 KB', async () => {
    const large = head('GET /health/live HTTP/1.1', 'Host: a', `X-A: ${'a'.repeat(17_000)}`)
    for (const bytes of [large, `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: a\r\n\r\n`]) {
      const answer = await sendRaw(server.url, bytes)
      expect(answer.status).toBe(431)
      expect(JSON.parse(answer.body)).toEqual({
        errors: [
          { message: 'The request header is too large.', extensions: { code: 'BAD_REQUEST' } },
        ],
      })
    }
  })
})

describe('a request with an odd line', () => {
  it.each([
    ['PUT', 405],
    ['PATCH', 405],
    ['DELETE', 405],
    ['TRACE', 405],
    ['PURGE', 405],
    ['HEAD', 405],
    ['PROPFIND', 405],
  ])('is refused with the methods that are allowed: %s', async (method, status) => {
    for (const path of ['/graphql', '/health/live']) {
      if (path !== '/graphql' && method === 'HEAD') continue
      const answer = await sendRaw(
        server.url,
        rawRequest(`${method} ${path}`, ['X-Echo: canary', preflighted]),
      )
      expect(answer.status).toBe(status)
      expect(answer.headers.get('allow')).toContain('GET')
      // TRACE would send the request's headers back (ASVS 13.4.4).
      expect(answer.text).not.toContain('canary')
      expect(answer.body).toMatch(method === 'HEAD' ? /^$/ : /"code":"BAD_REQUEST"/)
    }
  })

  it('opens no tunnel', async () => {
    for (const target of ['example.com:443', '/graphql', 'localhost:22']) {
      const answer = await sendRaw(server.url, head(`CONNECT ${target} HTTP/1.1`, 'Host: a'))
      expect(answer.status ?? 400).toBeGreaterThanOrEqual(400)
    }
  })

  it.each(['/graphql', '/', '/health/live', '/.well-known/jwks.json', '/subscriptions'])(
    'is not upgraded to a WebSocket: %s',
    async (path) => {
      const upgrade = [
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ]
      for (const protocol of ['graphql-transport-ws', 'graphql-ws']) {
        const answer = await sendRaw(
          server.url,
          rawRequest(`GET ${path}`, [
            'Connection: Upgrade',
            ...upgrade,
            `Sec-WebSocket-Protocol: ${protocol}`,
          ]),
        )
        expect(answer.status).not.toBe(101)
        expect(answer.text).not.toMatch(/^sec-websocket-accept/im)
      }
    },
  )

  it.each([
    ['/graphql%zz', 400],
    ['/%E0%A4%A', 400],
    ['/%c0%ae%c0%ae/', 400],
    ['/%00', 404],
    ['/..%2f..%2fetc/passwd', 404],
    ['/../../etc/passwd', 404],
    ['//graphql', 404],
    ['/graphql/', 404],
    ['/graphql;x', 404],
    ['/GRAPHQL', 404],
    [`/${'a'.repeat(8000)}`, 404],
    ['http://evil.example/nope', 404],
    ['/graphql?query=%zz', 400],
    ['/graphql?query=%ff', 400],
    ['/graphql?query={__typename}&query={me{id}}', 400],
    ['/graphql?query={__typename}&variables=canary', 400],
    ['/graphql?query={__typename}&variables=[]', 400],
    ['/graphql?query={__typename}&variables=%7B%22a%22:', 400],
    ['/graphql', 400],
    ['/graphql?', 400],
    ['/graphql?query', 400],
  ])('gets JSON, whatever the address: %s', async (path, status) => {
    const answer = await sendRaw(server.url, rawRequest(`GET ${path}`, [preflighted]))
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(JSON.parse(answer.body).errors).toHaveLength(1)
    expect(answer.body).not.toMatch(/canary|passwd|etc|%/)
  })

  it.each(['a b/?#@:99999', '[]', '[::1', 'a:b:c', '\xff', 'evil.example', ''])(
    'is not a trouble with Host: %j',
    async (host) => {
      const answer = await sendRaw(
        server.url,
        rawRequest(`GET ${queryByGet}`, [`Host: ${host}`, preflighted]),
      )
      // Nothing here is decided by it, or made of it: every address of ours is PUBLIC_URL.
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.body)).toEqual({ data: { __typename: 'Query' } })
      expect(answer.text).not.toContain('evil.example')
    },
  )

  it('keeps JSON that is nested deep from doing harm', async () => {
    const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`
    const nested = [
      deep,
      `{"query":"{__typename}","variables":{"a":${deep}}}`,
      `{"query":"query($a:Boolean!){__typename @skip(if:$a)}","variables":{"a":${deep}}}`,
      `{"query":${deep}}`,
    ]
    for (const text of nested) {
      const answer = await sendRaw(server.url, rawRequest('POST /graphql', [json], text))
      expect([200, 400]).toContain(answer.status)
    }
    await expectAlive(server)
  })
})

describe('a request that is refused before its body has come', () => {
  // More than the system keeps between the two: the client is still writing when the refusal is known.
  const size = 8 * 1024 * 1024
  const padding = Buffer.alloc(size, ' ')
  const chunked = 'Transfer-Encoding: chunked'
  // The rest of a request has a fifth of this: here it comes, however long the machine takes over it.
  let patient: TestServer
  beforeAll(async () => (patient = await startServer({}, { requestTimeoutMilliseconds: 100_000 })))
  afterAll(() => patient.close())
  // RFC 9112 section 9.6: a connection that is closed with bytes unread is reset, and takes the response along.
  it.each([
    ['413, its length given', 413, 'POST /graphql', [json, `Content-Length: ${size}`]],
    ['413, in chunks', 413, 'POST /graphql', [json, chunked]],
    [
      '415, no JSON',
      415,
      'POST /graphql',
      ['Connection: close', 'Content-Type: text/plain', chunked],
    ],
    [
      '415, compressed',
      415,
      'POST /graphql',
      ['Connection: close', json, 'Content-Encoding: gzip', chunked],
    ],
    ['404', 404, 'GET /nothing', ['Connection: close', json, chunked]],
    ['400, a bad address', 400, 'POST /graphql%zz', ['Connection: close', json, chunked]],
  ])('is answered when all of it has been sent: %s', async (_what, status, line, headers) => {
    const socket = openSocket(patient.url, head(`${line} HTTP/1.1`, 'Host: a', ...headers))
    const ending = headers.includes(chunked) ? '\r\n0\r\n\r\n' : ''
    if (ending) socket.write(`${size.toString(16)}\r\n`)
    const sent = new Promise<Error | null | undefined>((resolve) => {
      socket.write(padding)
      socket.write(ending, resolve)
    })
    const answer = readUntilClosed(socket)
    expect(await sent).toBeFalsy()
    socket.end()
    expect((await answer).status).toBe(status)
  })

  it('is answered if the rest does not come, too', async () => {
    const begun = head('POST /graphql HTTP/1.1', 'Host: a', json, `Content-Length: ${size}`)
    const answer = await sendRaw(server.url, `${begun}{"que`)
    expect(answer.status).toBe(413)
    expect(answer.body).toContain('"code":"PAYLOAD_TOO_LARGE"')
  })
})

describe('a connection that does not come to its point', () => {
  // slowhttptest: heads and bodies that never end.
  it('is closed, while others are served', async () => {
    const impatient = await startServer({}, { requestTimeoutMilliseconds: 10_000 })
    const beginnings = [
      head('GET /health/live HTTP/1.1', 'Host: a').slice(0, -2),
      `${head('POST /graphql HTTP/1.1', 'Host: a', json, 'Content-Length: 100')}{"que`,
      `${head('POST /graphql HTTP/1.1', 'Host: a', json, 'Transfer-Encoding: chunked')}5\r\n{`,
    ]
    const closed = Array.from({ length: 150 }, (_, index) =>
      readUntilClosed(openSocket(impatient.url, beginnings[index % beginnings.length]!)),
    )
    await expectAlive(impatient)
    for (const { status } of await Promise.all(closed)) expect(status).toBe(408)
    // It is the sender's fault: no one is to be woken up for it.
    expect(impatient.logText()).not.toContain('"level":"error"')
  })

  it('is closed if no one reads what is answered', async () => {
    const impatient = await startServer({ SANDBOX: 'on' }, { requestTimeoutMilliseconds: 3000 })
    const page = await (await fetch(`${impatient.url}/graphiql`)).text()
    const script = /src="([^"]+\.js)"/.exec(page)![1]!
    const { byteLength } = await (await fetch(impatient.url + script)).arrayBuffer()
    const served = new Promise<Socket>((resolve) => {
      const onRequest = (message: unknown) => {
        const { request, socket } = message as { request: IncomingMessage; socket: Socket }
        if (request.url === script) resolve(socket)
      }
      subscribe('http.server.request.start', onRequest)
      onTestFinished(() => void unsubscribe('http.server.request.start', onRequest))
    })
    // More than the system keeps for a reader.
    const times = 30
    const asked = head(`GET ${script} HTTP/1.1`, 'Host: a').repeat(times)
    const reader = openSocket(impatient.url, asked)
    onTestFinished(() => void reader.destroy())
    const socket = await served
    if (!socket.closed) await once(socket, 'close')
    // In the middle of it, and not at its end.
    expect(socket.bytesWritten).toBeLessThan(times * byteLength)
    await expectAlive(impatient)
  })
})

describe('an idle connection', () => {
  it('is kept for KEEP_ALIVE_TIMEOUT, and closed then', async () => {
    const brief = await server.sibling({ KEEP_ALIVE_TIMEOUT: '1s' })
    const connection = openSocket(brief.url, head('GET /health/live HTTP/1.1', 'Host: a'))
    const { headers, status } = await readUntilClosed(connection)
    expect(status).toBe(200)
    expect(headers.get('connection')).toBe('keep-alive')
    expect(headers.get('keep-alive')).toBe('timeout=1')
  })

  it.each([
    ['72 seconds', 'timeout=72', {}],
    // Google's balancers keep theirs for 600 seconds.
    ['620 seconds behind a proxy', 'timeout=620', { TRUST_PROXY: '1' }],
  ])('is kept for %s by default', async (_what, said, env) => {
    const { url } = await server.sibling(env)
    const connection = openSocket(url, head('GET /health/live HTTP/1.1', 'Host: a'))
    onTestFinished(() => void connection.destroy())
    const [answer] = (await once(connection, 'data')) as [Buffer]
    expect(answer.toString().toLowerCase()).toContain(`keep-alive: ${said}`)
  })
})

// A second one would be ended in the middle of its responses, and never get a renewed certificate.
describe('a server', () => {
  const names = [
    // If the second address does not exist, no one could listen on it anyway.
    { what: 'an address of each family', second: { address: '::1', family: 6 }, need: 'IPv6' },
    { what: 'two addresses', second: { address: '127.0.0.2', family: 4 }, need: 'Linux' },
  ] as const
  for (const { what, second, need } of names) {
    it(
      `has one listener when HOST is localhost and that name has ${what}`,
      needs(need),
      async () => {
        const original = dns.lookup as (...parameters: unknown[]) => void
        const found = [{ address: '127.0.0.1', family: 4 }, second]
        const lookup = vi.spyOn(dns, 'lookup').mockImplementation((...parameters: unknown[]) => {
          const [name, options, callback] = parameters
          const isOfBoth = name === 'localhost' && (options as { all?: boolean }).all === true
          if (isOfBoth) (callback as (error: null, all: typeof found) => void)(null, found)
          else original(...parameters)
        })
        onTestFinished(() => lookup.mockRestore())
        const { url } = await startServer({ HOST: 'localhost' })
        expect((await fetch(`${url}/health/live`)).status).toBe(200)
        const host = second.family === 6 ? `[${second.address}]` : second.address
        const other = `http://${host}:${new URL(url).port}/health/live`
        await expect(fetch(other)).rejects.toThrow('fetch failed')
      },
    )
  }
})

describe('noise', () => {
  const token = fc.string({ unit: 'grapheme-ascii', maxLength: 20 })
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 60,
  })
  const header = fc.oneof(
    fc.constantFrom(
      'Host: a',
      json,
      preflighted,
      'Upgrade: websocket',
      'Expect: 100-continue',
      'Expect: x',
      'Transfer-Encoding: chunked',
      'Content-Length: 3',
      'Content-Length: -1',
      'Range: bytes=9-1,-',
      'Cookie: latchkey-refresh=%zz; latchkey-refresh=a',
      'Cookie: =;;=',
      'Authorization: Bearer a.b.c',
      'Authorization: Bearer',
      'Accept: ,;q=',
      'Origin: null',
      'If-None-Match: "',
      'X-Forwarded-For: ,,::1%',
      'Forwarded: for="',
      'Content-Encoding: gzip',
      'Connection: keep-alive, Upgrade',
      'Sec-Fetch-Site: same-origin',
    ),
    fc.tuple(token, bytes).map(([name, value]) => `${name}: ${value}`),
    bytes,
  )
  const request = fc.record({
    line: fc.oneof(
      fc.constantFrom(
        'GET / HTTP/1.1',
        'POST /graphql HTTP/1.1',
        `GET ${queryByGet} HTTP/1.1`,
        'POST /graphql HTTP/1.0',
        'OPTIONS * HTTP/1.1',
        'GET /health/ready HTTP/1.1',
      ),
      fc
        .tuple(token, bytes, fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', ''))
        .map((parts) => parts.join(' ')),
      bytes,
    ),
    headers: fc.array(header, { maxLength: 6 }),
    body: fc.oneof(
      fc.constant(''),
      bytes,
      fc.constantFrom(body, '{"query":"mutation{logout}"}', '5\r\nabcde\r\n0\r\n\r\n'),
    ),
  })

  it('leaves the server alive and in its senses', async () => {
    const noises = fc.sample(request, { numRuns: 1000, seed: 20260101 })
    const { accessToken, user } = await server.client.register()
    while (noises.length > 0) {
      await Promise.all(
        noises.splice(0, 100).map(async ({ line, headers, body: rest }) => {
          const socket = openSocket(server.url, `${line}\r\n${headers.join('\r\n')}\r\n\r\n${rest}`)
          socket.end()
          const { text } = await readUntilClosed(socket)
          expect(text).not.toMatch(/HTTP\/1\.1 5|node_modules|INTERNAL/)
        }),
      )
    }
    const me = await server.client.as(accessToken).send('{ me { id } }')
    expect(me.data).toEqual({ me: { id: user.id } })
    expect(server.logText()).not.toContain('"level":"error"')
  })
})

async function expectAlive({ url }: TestServer): Promise<void> {
  const answer = await sendRaw(url, rawRequest('POST /graphql', [json], body))
  expect(JSON.parse(answer.body)).toEqual({ data: { __typename: 'Query' } })
}
