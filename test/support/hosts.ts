/** Hosts of the internet, played by one server on loopback. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Call {
  readonly method: string
  /** As the caller means it: `https://github.com/…` */
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** `GET https://github.com/login/oauth/authorize` and what answers there. */
export type Routes = Readonly<Record<string, (call: Call) => Reply | Promise<Reply>>>

export interface Hosts {
  /** Where the server really listens. */
  readonly origin: string
  /** Node's own fetch, with every host of the routes led to the server, and any other refused. */
  readonly fetch: typeof fetch
  /** What was called, in order. */
  readonly calls: readonly Call[]
  close(): Promise<void>
}

const meantUrl = 'x-meant-url'

/** @param routes made when the origin is known, for hosts that are on loopback themselves */
export async function startHosts(routes: (origin: string) => Routes): Promise<Hosts> {
  const calls: Call[] = []
  const http = createServer((request, response) => {
    void answer(request)
      .catch((error: unknown): Reply => ({ status: 500, body: String(error) }))
      .then(({ status = 200, headers = {}, body = '' }) => {
        response.writeHead(status, headers).end(body)
      })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const table = routes(origin)
  const known = new Set(Object.keys(table).map((key) => new URL(key.split(' ')[1]!).origin))

  async function answer(request: IncomingMessage): Promise<Reply> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const meant = request.headers[meantUrl]
    const call: Call = {
      method: request.method!,
      url: new URL(typeof meant === 'string' ? meant : request.url!, origin),
      headers: request.headers,
      form: new URLSearchParams(Buffer.concat(chunks).toString()),
    }
    calls.push(call)
    const route = table[`${call.method} ${call.url.origin}${call.url.pathname}`]
    return route ? route(call) : { status: 404, body: 'Not Found' }
  }

  return {
    origin,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      if (!known.has(url.origin)) throw new Error(`The tests do not know ${url.origin}`)
      const headers = new Headers(init?.headers)
      headers.set(meantUrl, url.href)
      return fetch(new URL(url.pathname, origin), { ...init, headers })
    },
    calls,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
}

export function json(value: unknown, status = 200, type = 'application/json'): Reply {
  return { status, headers: { 'content-type': type }, body: JSON.stringify(value) }
}
