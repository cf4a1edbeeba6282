/** What the guides' front ends run in: a browser's fetch, for a page of another origin. */
import { vi } from 'vitest'
import type { TestServer } from './server.ts'

/** Where the guides say that Latchkey is, and the page. */
const address = 'http://localhost:4000'
export const pageOrigin = 'http://localhost:5173'

/**
 * Stands in for the global fetch: Node's own, with the origin, the cookies and the rules of CORS.
 * @param elsewhere answers for whatever is not Latchkey
 * @returns the operations that are sent, by name
 */
export function stubFetch(
  server: TestServer,
  elsewhere: (request: Request) => Response = () => new Response('', { status: 404 }),
): string[] {
  const { fetch: send } = globalThis
  const sent: string[] = []
  let cookie = ''
  vi.stubGlobal('fetch', async (input: string | URL | Request, init: RequestInit = {}) => {
    const request = new Request(input, init)
    // The tests themselves are no page.
    if (request.url.startsWith(server.url)) return send(request)
    if (!request.url.startsWith(address)) return elsewhere(request)
    const headers = new Headers(request.headers)
    headers.set('origin', pageOrigin)
    if (cookie !== '' && init.credentials === 'include') headers.set('cookie', cookie)
    const { query, operationName } = JSON.parse(init.body as string)
    sent.push(operationName ?? query)
    const response = await send(request.url.replace(address, server.url), {
      method: request.method,
      headers,
      body: init.body as string,
    })
    if (response.headers.get('access-control-allow-origin') !== pageOrigin) {
      throw new TypeError('Failed to fetch')
    }
    if (
      init.credentials === 'include' &&
      response.headers.get('access-control-allow-credentials') === 'true'
    ) {
      const [pair] = response.headers.getSetCookie().map((header) => header.split(';')[0]!)
      if (pair !== undefined) cookie = pair.endsWith('=') ? '' : pair
    }
    return response
  })
  return sent
}
