import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { exchangeTimeoutMilliseconds } from '../../src/features/providers/outbound-fetch.ts'
import {
  newSigningKey,
  startHostileProvider,
  type Answering,
  type Endpoint,
  type HostileProvider,
} from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { eventually } from '../support/patience.ts'
import {
  begin,
  openidVariables,
  readAnswer,
  sendBegin,
  sendLogin,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

const endpoints: Endpoint[] = ['discovery', 'jwks', 'token', 'userinfo']
/** Without userinfo a known user's sign-in continues: what the ID token says is enough. */
const outcomeOf = (endpoint: Endpoint) => (endpoint === 'userinfo' ? undefined : 'PROVIDER_ERROR')
const metadataLifetimeSeconds = 3600
const hugeBytes = 100 * 1024 * 1024
/** What fits into buffers on the way before the connection is seen to be closed. */
const bufferedBytes = 30 * 1024 * 1024

describe('a provider that is down, or talks nonsense', () => {
  let provider: HostileProvider
  let server: TestServer
  /** Where no one has any business to call. */
  let canary: Server
  let canaryCalls: number
  let sentBytes: number
  let canaryUrl: string
  beforeAll(async () => {
    canary = createServer((_request, response) => {
      canaryCalls++
      response.setHeader('content-type', 'application/json')
      response.end('{}')
    })
    await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve))
    canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`
    provider = await startHostileProvider()
    server = await startServer(
      { REDIRECT_URIS: redirectUri, ...openidVariables('test', provider) },
      // So that it is the limit for providers that ends what hangs.
      { requestTimeoutMilliseconds: 60_000 },
    )
    const { errors } = await signIn()
    if (errors) throw new Error('The first sign-in failed', { cause: errors })
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
    canary.close()
  })

  beforeEach(() => {
    canaryCalls = 0
    sentBytes = 0
    for (const endpoint of endpoints) delete provider.answering[endpoint]
  })

  /** Signs in with nothing remembered of the provider. */
  const signIn = async () => {
    server.advance(metadataLifetimeSeconds)
    provider.keys = [newSigningKey()]
    const begun = await sendBegin(server.client, 'test')
    if (begun.errors) return begun
    const { authorizationUrl, flowToken } = begun.data.beginProviderLogin
    const back = provider.authorize(authorizationUrl, 'somebody')
    return sendLogin(server.client, readAnswer({ provider: 'test', flowToken }, back))
  }
  const send =
    (status: number, type: string, body: string): Answering =>
    (response) =>
      response.writeHead(status, { 'content-type': type }).end(body)
  const ok = 'application/json'

  const nonsense: [what: string, answering: Answering][] = [
    ['500', send(500, 'text/plain', 'Internal Server Error')],
    [
      '503 with the right answer',
      (response, answer) =>
        response.writeHead(503, { 'content-type': ok }).end(JSON.stringify(answer)),
    ],
    ['404', send(404, 'text/plain', 'Not Found')],
    [
      '401 with a challenge',
      (response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    ],
    ['429 with an error', send(429, ok, '{"error":"slow_down"}')],
    ['200 with an error', send(200, ok, '{"error":"invalid_grant"}')],
    ['204', (response) => response.writeHead(204).end()],
    ['HTML', send(200, 'text/html', '<html><body>We are down for maintenance</body></html>')],
    ['a form', send(200, 'application/x-www-form-urlencoded', 'access_token=a&token_type=bearer')],
    ['nothing', send(200, ok, '')],
    ['half of an object', send(200, ok, '{"access_token":"a","token_type":"bea')],
    ['null', send(200, ok, 'null')],
    ['a list', send(200, ok, '[]')],
    ['a number', send(200, ok, '7')],
    ['an empty object', send(200, ok, '{}')],
    [
      'compressed noise',
      (response) =>
        response.writeHead(200, { 'content-type': ok, 'content-encoding': 'gzip' }).end('noise'),
    ],
    ['a closed connection', (response) => response.destroy()],
    [
      'a connection that closes on the way',
      (response) => {
        response.writeHead(200, { 'content-type': ok, 'content-length': '1000' })
        response.write('{', () => response.destroy())
      },
    ],
    [
      'a redirect to another host',
      (response) => response.writeHead(302, { location: `${canaryUrl}/` }).end(),
    ],
    [
      'a redirect that keeps the method',
      (response) => response.writeHead(307, { location: `${canaryUrl}/` }).end(),
    ],
    ['a redirect to itself', (response) => response.writeHead(302, { location: '' }).end()],
    // The right answer, with much of nothing behind it: what is taken whole would be accepted.
    [
      '100 MB',
      (response, answer) => {
        response.writeHead(200, { 'content-type': ok })
        response.write(JSON.stringify(answer))
        Readable.from(manySpaces((bytes) => (sentBytes += bytes))).pipe(response)
      },
    ],
    [
      'a small text that unpacks to 100 MB',
      (response, answer) => {
        response.writeHead(200, { 'content-type': ok, 'content-encoding': 'gzip' })
        // Members of a gzip file follow one another.
        response.end(Buffer.concat([gzipSync(JSON.stringify(answer)), ...bomb]))
      },
    ],
  ]
  const bomb = Array.from({ length: hugeBytes / 2 ** 20 }, () => spaces)

  describe.each(endpoints)('at its %s endpoint', (endpoint) => {
    it.each(nonsense)('is an error of the provider: %s', async (_what, answering) => {
      provider.answering[endpoint] = answering
      const failed = await signIn()
      delete provider.answering[endpoint]
      expect(failed.code).toBe(outcomeOf(endpoint))
      expect(failed.errors?.[0]?.extensions.provider).toBe(failed.code && 'test')
      expect(failed.text).not.toContain('maintenance')
      expect(canaryCalls).toBe(0)
      expect(sentBytes).toBeLessThan(bufferedBytes)
      expect((await signIn()).errors).toBeUndefined()
    })
  })

  it('is an error of the provider without a code, as after a user has declined', async () => {
    const begun = await begin(server.client, 'test')
    const back = new URL(`${redirectUri}?error=access_denied`)
    back.searchParams.set('state', new URL(begun.authorizationUrl).searchParams.get('state')!)
    const answer = { ...readAnswer(begun, back), code: '', iss: provider.issuer }
    expect((await sendLogin(server.client, answer)).code).toBe('PROVIDER_ERROR')
  })

  describe('on the internet', () => {
    // More of them are in test/unit/outbound-fetch.test.ts.
    const inside = (port: string) => [
      `http://127.0.0.1:${port}`,
      `https://localhost:${port}`,
      `https://[::ffff:7f00:1]:${port}`,
      'https://169.254.169.254',
      'http://issuer.example',
    ]
    it.each(['https://issuer.example', 'https://127.issuer.example'])(
      '(%s) is not let inside',
      async (issuer) => {
        const distant = await startHostileProvider(issuer)
        const called = vi.fn<typeof fetch>(distant.fetch)
        const started = await startServer(
          { REDIRECT_URIS: redirectUri, ...openidVariables('distant', distant) },
          { fetch: called },
        )
        const attempt = () => {
          started.advance(metadataLifetimeSeconds)
          return signInWith(started.client, 'distant', (url) => distant.authorize(url, 'somebody'))
        }
        expect((await attempt()).errors).toBeUndefined()
        for (const name of ['token_endpoint', 'jwks_uri', 'userinfo_endpoint']) {
          for (const origin of inside(new URL(canaryUrl).port)) {
            distant.metadata[name] = `${origin}/`
            distant.keys = [newSigningKey()]
            const outcome = name === 'userinfo_endpoint' ? undefined : 'PROVIDER_ERROR'
            expect([name, origin, (await attempt()).code]).toEqual([name, origin, outcome])
          }
          delete distant.metadata[name]
        }
        expect((await attempt()).errors).toBeUndefined()
        const origins = called.mock.calls.map(([url]) => new URL(url as URL).origin)
        expect(new Set(origins)).toEqual(new Set([issuer]))
        expect(canaryCalls).toBe(0)
        await distant.close()
      },
    )
  })

  it('keeps no one else waiting, and is given up if it does not respond', async () => {
    // A server cuts off what takes longer than ten seconds; this one waits for longer.
    expect(exchangeTimeoutMilliseconds).toBeLessThan(10_000)
    const half: Answering = (response) =>
      void response.writeHead(200, { 'content-type': ok }).write('{')
    const silent = (): Answering => () => {}
    const waiting = await Promise.all(
      endpoints.flatMap((endpoint) =>
        [silent(), half].map(async (answering, index) => {
          const hanging = await startHostileProvider()
          hanging.answering[endpoint] = answering
          return { hanging, endpoint, name: `${endpoint}-${index}` }
        }),
      ),
    )
    const sibling = await server.sibling(
      Object.assign({}, ...waiting.map(({ name, hanging }) => openidVariables(name, hanging))),
    )
    const answers = waiting.map(async ({ name, hanging }) => {
      const begun = await sendBegin(sibling.client, name)
      if (begun.errors) return begun
      const { authorizationUrl, flowToken } = begun.data.beginProviderLogin
      const back = hanging.authorize(authorizationUrl, 'somebody')
      return sendLogin(sibling.client, readAnswer({ provider: name, flowToken }, back))
    })
    // Each from when its provider has started to keep it waiting.
    const limits: Promise<string>[] = []
    await Promise.all(
      waiting.map(async ({ hanging, endpoint }, index) => {
        await eventually(() => expect(hanging.requests.at(-1)?.endpoint).toBe(endpoint))
        limits[index] = setTimeout(20_000, 'too late', { ref: false })
      }),
    )
    let answered = 0
    for (const answer of answers) void answer.then(() => answered++)
    const { email, password } = await sibling.client.register()
    expect((await sibling.client.login(email, password)).errors).toBeUndefined()
    const elsewhere = await signInWith(sibling.client, 'test', (url) =>
      provider.authorize(url, 'else'),
    )
    expect(elsewhere.errors).toBeUndefined()
    expect(answered).toBe(0)
    const codes = answers.map(async (answer, index) =>
      Promise.race([answer.then(({ code }) => code), limits[index]]),
    )
    // Userinfo included: it may have an e-mail address, without which no account is created.
    expect(await Promise.all(codes)).toEqual(waiting.map(() => 'PROVIDER_ERROR'))
    await Promise.all(waiting.map(({ hanging }) => hanging.close()))
  })
})

const spaces = gzipSync(Buffer.alloc(2 ** 20, ' '))

function* manySpaces(onSent: (bytes: number) => void) {
  const chunk = Buffer.alloc(2 ** 16, ' ')
  for (let sent = 0; sent < hugeBytes; sent += chunk.length) {
    onSent(chunk.length)
    yield chunk
  }
}
