/** A proxy that ends TLS in front of a server, with a certificate that no one trusts. */
import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { onTestFinished } from 'vitest'
import { createAuthority } from './certificates.ts'

/** Listens on localhost, closed with the test. */
export async function startTlsProxy(port: number, targetUrl: string): Promise<void> {
  const { certificate, key } = await (await createAuthority('Nobody')).sign(['localhost'])
  const proxy = createServer({ cert: certificate, key }, (incoming, outgoing) => {
    const { headers, method, url } = incoming
    const forwarded = request(targetUrl + url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  proxy.listen(port, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(async () => {
    proxy.close()
    proxy.closeAllConnections()
    await once(proxy, 'close')
  })
}
