/** Calls to providers: bounded in time and size, never led to another host, their JSON made to conform. */
import { isIP } from 'node:net'
import type { CustomFetch } from 'openid-client'
import { conformJson } from './provider-json.ts'

export type Fetch = typeof fetch

/** The whole of one exchange, however many calls it takes, fits below the server's own limit. */
export const exchangeTimeoutMilliseconds = 8000
const maximumBytes = 1024 * 1024

/** A call to a provider was refused, before or after it was made. */
export class OutboundError extends Error {
  override name = 'OutboundError'
}

/**
 * @param fetch Node's own, or a test's
 * @param isLoopbackAllowed whether the provider itself is on this machine
 * @param signal ends every call of the exchange
 */
export function boundedFetch(
  fetch: Fetch,
  isLoopbackAllowed: boolean,
  signal: AbortSignal,
): CustomFetch {
  return async (address, init) => {
    const url = new URL(address)
    if (!isReachable(url, isLoopbackAllowed)) {
      throw new OutboundError(`${url.origin} is not an address for a provider`)
    }
    const response = await fetch(url, {
      ...(init as RequestInit),
      redirect: 'manual',
      signal: init.signal ? AbortSignal.any([init.signal, signal]) : signal,
    })
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel()
      throw new OutboundError(`${url.origin} redirects elsewhere`)
    }
    const body = await readBounded(response)
    const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '')
    return new Response(body && isJson ? conformJson(body) : body, {
      status: response.status,
      headers: withoutEncoding(response.headers),
    })
  }
}

/** Whether a URL's host is this machine. The URL has brought other spellings of an address into this one. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** https to a name; on this machine plain http, if the provider runs here too. */
function isReachable({ hostname, protocol }: URL, isLoopbackAllowed: boolean): boolean {
  if (isLoopbackHost(hostname)) return isLoopbackAllowed && /^https?:$/.test(protocol)
  // The metadata of a provider may name any host: an address that is written out is never a public
  // provider's, and may be one of the inner network. Names below localhost are this machine (RFC 6761).
  return (
    protocol === 'https:' &&
    isIP(hostname.replace(/^\[|\]$/g, '')) === 0 &&
    !/(^|\.)localhost\.?$/.test(hostname)
  )
}

/** Counts what comes out of decompression, so that a small bomb stays small. */
async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!response.body) return null
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (size > maximumBytes) throw new OutboundError('The answer is too large')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** The body is decoded already. */
function withoutEncoding(headers: Headers): Headers {
  const copy = new Headers(headers)
  copy.delete('content-encoding')
  copy.delete('content-length')
  return copy
}
