// The files of docs/guides/proxy, run: what Latchkey gets to know through them, and what it does not.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { Agent, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority, type Authority, type Certificate } from '../support/certificates.ts'
import { needs } from '../support/needs.ts'
import { eventually } from '../support/patience.ts'
import { proxies, proxiedHost, startProxy, type Proxy } from '../support/proxy.ts'
import { startServer, type TestServer } from '../support/server.ts'

let authority: Authority
let certificate: Certificate
beforeAll(async () => {
  authority = await createAuthority('Authority of the tests')
  certificate = await authority.sign([proxiedHost])
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read what they asked for
  readonly body: any
}

interface Sent {
  readonly body?: string
  readonly headers?: Record<string, string>
  /** The client's own address: on Linux all of 127.0.0.0/8 are this machine. */
  readonly from?: string
  readonly agent?: Agent
}

/** Over TLS, as a client of https://auth.example.com. */
function send(proxy: Proxy, path: string, sent: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: proxy.httpsPort,
        path,
        servername: proxiedHost,
        ca: authority.certificate,
        agent: sent.agent ?? false,
        localAddress: sent.from ?? '127.0.0.1',
        method: sent.body === undefined ? 'GET' : 'POST',
        headers: { host: proxiedHost, 'content-type': 'application/json', ...sent.headers },
      },
      (response) => {
        response.toArray().then((chunks) => {
          const text = Buffer.concat(chunks).toString()
          const isJson = /json/.test(response.headers['content-type'] ?? '')
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: isJson ? JSON.parse(text) : text,
          })
        }, reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(sent.body)
  })
}

const forged = {
  'x-forwarded-for': '203.0.113.66',
  'x-forwarded-proto': 'http',
  'x-real-ip': '203.0.113.66',
  'x-request-id': 'a-request-id-of-the-client',
}

/** HAProxy asks the servers first. */
const untilReady = (proxy: Proxy) =>
  eventually(async () => {
    const { status } = await send(proxy, '/health/ready')
    if (status !== 200) throw new Error(`The proxy answers ${status}`)
  })

const portOf = (url: string) => Number(new URL(url).port)

for (const name of proxies)
  describe(`docs/guides/proxy with ${name}`, needs(name, 'Linux'), () => {
    let server: TestServer
    let sibling: TestServer
    let proxy: Proxy
    beforeAll(async () => {
      server = await startServer({
        TRUST_PROXY: '127.0.0.1',
        PUBLIC_URL: `https://${proxiedHost}`,
        LOG_LEVEL: 'info',
      })
      sibling = await server.sibling()
      proxy = await startProxy(name, [portOf(server.url), portOf(sibling.url)], certificate)
      await untilReady(proxy)
    })
    afterAll(async () => {
      await proxy.stop()
      await server.close()
    })

    let people = 0
    const register = (sent: Omit<Sent, 'body'> = {}) =>
      send(proxy, '/graphql', {
        ...sent,
        body: JSON.stringify({
          query: `mutation { register(email: "p${++people}@example.com", password: "correct horse battery", transport: COOKIE) {
          accessToken user { sessions { ip } } } }`,
        }),
      })

    it('passes on the client IP, whatever the client claims', async () => {
      for (const headers of [{}, forged]) {
        const { body } = await register({ from: '127.0.0.77', headers })
        expect(body.data.register.user.sessions).toEqual([{ ip: '127.0.0.77' }])
      }
    })

    it('ends TLS, and cookies, headers and tokens are those of https', async () => {
      const { body, headers } = await register()
      expect(headers['set-cookie']![0]).toMatch(
        /^__Host-latchkey-refresh(-[\w-]{8})?=.*; HttpOnly; Secure; SameSite=Strict$/,
      )
      expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}/)
      const claims = JSON.parse(
        Buffer.from(body.data.register.accessToken.split('.')[1], 'base64url').toString(),
      )
      expect(claims.iss).toBe(`https://${proxiedHost}`)
      const cookie = headers['set-cookie']![0]!.split(';')[0]!
      const refresh = JSON.stringify({ query: 'mutation { refreshToken { accessToken } }' })
      const own = { cookie, origin: `https://${proxiedHost}` }
      expect(
        (await send(proxy, '/graphql', { body: refresh, headers: own })).body.errors,
      ).toBeUndefined()
    })

    it('gives each request an id, which the log and the response have', async () => {
      const { headers } = await send(proxy, '/graphql', {
        body: '{"query":"{ __typename }"}',
        headers: forged,
      })
      const id = headers['x-request-id'] as string
      expect(id).toMatch(/^[\da-f-]{32,36}$/)
      expect(server.logText() + sibling.logText()).toContain(`"requestId":"${id}"`)
      expect(server.logText() + sibling.logText()).not.toContain(forged['x-request-id'])
    })

    it('leads http to https', async () => {
      const response = await fetch(`http://127.0.0.1:${proxy.httpPort}/graphql?a=b`, {
        redirect: 'manual',
      })
      expect(response.status).toBe(308)
      expect(response.headers.get('location')).toMatch(/^https:\/\/[^/]+\/graphql\?a=b$/)
    })

    it('lets Latchkey itself refuse what is a little too large', async () => {
      const body = JSON.stringify({
        query: '{ __typename }',
        variables: { a: 'x'.repeat(110_000) },
      })
      const answer = await send(proxy, '/graphql', { body })
      expect(answer.status).toBe(413)
      expect(answer.body.errors[0].extensions.code).toBe('PAYLOAD_TOO_LARGE')
    })

    it('refuses a flood with 429', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 4 })
      const statuses: number[] = []
      try {
        while (!statuses.includes(429) && statuses.length < 3000) {
          const answers = await Promise.all(
            Array.from({ length: 20 }, () =>
              send(proxy, '/health/live', { from: '127.0.0.99', agent }),
            ),
          )
          statuses.push(...answers.map(({ status }) => status))
        }
      } finally {
        agent.destroy()
      }
      expect(new Set(statuses)).toEqual(new Set([200, 429]))
      expect((await send(proxy, '/health/live', { from: '127.0.0.98' })).status).toBe(200)
    })

    it('continues with one server if the other has stopped', async () => {
      const lone = await startServer({
        TRUST_PROXY: '127.0.0.1',
        PUBLIC_URL: `https://${proxiedHost}`,
      })
      const gone = await startServer()
      const through = await startProxy(name, [portOf(lone.url), portOf(gone.url)], certificate)
      try {
        await untilReady(through)
        await gone.close()
        for (let round = 0; round < 20; round += 1) {
          expect((await send(through, '/health/live')).status).toBe(200)
        }
      } finally {
        await through.stop()
      }
    })
  })

for (const name of proxies)
  describe(`behind ${name}`, needs(name, 'Linux'), () => {
    it('nothing arrives of what a client says about itself', async () => {
      const seen: IncomingHttpHeaders[] = []
      const echo: Server = createServer((incoming, response) => {
        if (incoming.url === '/graphql') seen.push(incoming.headers)
        response.end('{}')
      })
      await new Promise<void>((resolve) => {
        echo.listen(0, '127.0.0.1', resolve)
      })
      const { port } = echo.address() as AddressInfo
      const proxy = await startProxy(name, [port, port], certificate)
      try {
        await untilReady(proxy)
        await send(proxy, '/graphql', { from: '127.0.0.77', headers: forged })
        expect(seen).toHaveLength(1)
        expect(seen[0]).toMatchObject({
          host: proxiedHost,
          'x-forwarded-for': '127.0.0.77',
          'x-forwarded-proto': 'https',
        })
        expect(seen[0]!['x-request-id']).not.toBe(forged['x-request-id'])
      } finally {
        await proxy.stop()
        echo.closeAllConnections()
        echo.close()
      }
    })
  })
