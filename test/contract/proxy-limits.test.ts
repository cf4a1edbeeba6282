// The limits of docs/guides/proxy, for clients whose address is given by the PROXY protocol.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { needs } from '../support/needs.ts'
import { proxies, proxiedHost, startProxy, type Proxy, type ProxyName } from '../support/proxy.ts'

/** Clients by the PROXY protocol, and a budget that a slow machine can use up: about four requests. */
const changes: Record<ProxyName, [from: string, to: string][]> = {
  nginx: [
    [
      ' ssl http2;',
      ' ssl http2 proxy_protocol; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;',
    ],
    ['rate=50r/s', 'rate=1r/m'],
    ['burst=100', 'burst=3'],
  ],
  haproxy: [
    [' ssl crt', ' accept-proxy ssl crt'],
    ['expire 10s store http_req_rate(10s)', 'expire 10m store http_req_rate(10m)'],
    ['gt 500', 'gt 4'],
  ],
}

/** Sends one request on a connection of its own. @returns its status */
async function ask(proxy: Proxy, from: string): Promise<number> {
  const socket = connect(proxy.httpsPort, '127.0.0.1')
  await once(socket, 'connect')
  const family = from.includes(':') ? 'TCP6' : 'TCP4'
  const to = family === 'TCP6' ? '2001:db8::1' : '192.0.2.1'
  socket.write(`PROXY ${family} ${from} ${to} 1234 443\r\n`)
  const secure = connectTls({ socket, servername: proxiedHost, rejectUnauthorized: false })
  secure.write(`GET /health/live HTTP/1.1\r\nHost: ${proxiedHost}\r\nConnection: close\r\n\r\n`)
  let text = ''
  for await (const chunk of secure) text += String(chunk)
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])
}

for (const name of proxies) {
  describe(`the limits of docs/guides/proxy with ${name}`, needs(name), () => {
    let proxy: Proxy
    let server: Server
    beforeAll(async () => {
      const authority = await createAuthority('Authority of the tests')
      const certificate = await authority.sign([proxiedHost])
      server = createServer((_request, response) => void response.end('{}')).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      proxy = await startProxy(name, [port, port], certificate, changes[name])
    })
    afterAll(async () => {
      await proxy.stop()
      server.closeAllConnections()
      server.close()
    })

    it.each([
      ['one IPv4 address', '203.0.113.7', '203.0.113.7', '203.0.113.8'],
      ['a /64 of IPv6', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:3::1'],
      ['one mapped address', '::ffff:198.51.100.7', '::ffff:198.51.100.7', '::ffff:198.51.100.8'],
    ])('count the requests of %s together', async (_what, first, second, neighbour) => {
      const statuses: number[] = []
      for (let round = 0; round < 4; round += 1) {
        statuses.push(await ask(proxy, first), await ask(proxy, second))
      }
      // Half of the budget would be left to each, if they were counted apart.
      expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 429, 429])
      expect(await ask(proxy, neighbour)).toBe(200)
    })
  })
}
