/** `GET /metrics` on a listener of its own, so that no proxy in front of the API can show it to the world. */
import { createServer, type Server } from 'node:http'

export interface MetricsSource {
  readonly contentType: string
  text(): Promise<string>
}

/**
 * Listens until it is closed.
 * @throws Node's error where the port is taken, with the beginning of the variables' names
 */
export async function listenForMetrics(
  source: MetricsSource,
  address: { readonly host: string; readonly port: number },
): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, text: string) =>
      response
        .writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
        .end(request.method === 'HEAD' ? undefined : text)
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      answer(404, 'text/plain', 'There is nothing here but /metrics.\n')
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(405, 'text/plain', 'This method is not allowed here.\n')
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
  return server
}
