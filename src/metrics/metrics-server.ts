/** `GET /metrics` on a listener of its own, so that no proxy in front of the API can show it to the world. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listeningUrl } from '../http/listening-url.ts'

export interface MetricsSource {
  readonly contentType: string
  text(): Promise<string>
}

export interface MetricsServer {
  /** Where it listens, without a trailing slash. */
  readonly url: string
  /** Ends it at once. */
  close(): void
}

/**
 * Listens until it is closed.
 * @throws Node's error if the port is taken, with the beginning of the variables' names
 */
export async function listenForMetrics(
  source: MetricsSource,
  address: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, text: string) =>
      response
        .writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
        .end(request.method === 'HEAD' ? undefined : text)
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      answer(404, 'text/plain', 'Not found. The metrics are at /metrics.\n')
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(405, 'text/plain', 'Method not allowed.\n')
    } else {
      source.text().then(
        (text) => answer(200, source.contentType, text),
        () => answer(500, 'text/plain', 'The metrics could not be read.\n'),
      )
    }
  })
  server.listen(address.port, address.host)
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', (error) => reject(Object.assign(error, { variables: 'METRICS_' })))
  })
  return {
    url: listeningUrl(server.address() as AddressInfo, false),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
