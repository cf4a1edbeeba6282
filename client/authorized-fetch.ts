/** `fetch` with the access token, sent once more where only the token's time was over. */
import { parse, type DocumentNode } from 'graphql'
import { whileWanted } from './deadline.ts'
import { parseJson } from './errors.ts'
import type { TokenErrorReason } from './generated/schema.ts'
import { readRefusal, type Endpoint, type Refusal } from './operation.ts'

/** What whoever sends a request needs of a session. */
export interface TokenSource {
  accessToken(): Promise<string | undefined>
  /**
   * What to do with a token that the server has refused.
   * @returns the next one, where the request can be sent again
   */
  refused(accessToken: string, reason: TokenErrorReason): Promise<string | undefined>
}

/**
 * Sends with a good token; again, once, with the next one where the first was refused as expired.
 * @param read what the server has against the token, or undefined
 */
export async function attempt<A>(
  source: TokenSource,
  send: (accessToken: string | undefined) => Promise<A>,
  read: (answer: A) => Refusal | undefined | Promise<Refusal | undefined>,
  signal?: AbortSignal | null,
): Promise<A> {
  const accessToken = await whileWanted(signal, source.accessToken())
  const answer = await send(accessToken)
  const refusal = accessToken === undefined ? undefined : await read(answer)
  if (accessToken === undefined || !refusal) return answer
  const next = await whileWanted(signal, source.refused(accessToken, refusal.reason))
  if (next === undefined || !refusal.mayRepeat) return answer
  const second = await send(next)
  const reason = (await read(second))?.reason
  // A token this new has not expired: to renew it again would go on for ever.
  if (reason !== undefined && reason !== 'TOKEN_EXPIRED') await source.refused(next, reason)
  return second
}

export interface AuthorizedFetchOptions {
  readonly endpoint: Endpoint
  /** Origins that get the token, beside the endpoint's own. */
  readonly origins: readonly string[]
  readonly source: TokenSource
  /** Whether a service that only says 401 can have meant the token's time: a new one is good. */
  readonly mayHaveExpired: () => boolean
}

export function createAuthorizedFetch(options: AuthorizedFetchOptions): typeof fetch {
  const { endpoint, mayHaveExpired, origins, source } = options
  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined
    const url = absolute(input instanceof Request ? input.url : input.toString())
    const endpointUrl = absolute(endpoint.url)
    const headers = new Headers(init.headers ?? request?.headers)
    const mayHaveToken =
      url !== undefined &&
      (url.origin === endpointUrl?.origin || origins.includes(url.origin)) &&
      !headers.has('authorization')
    if (!mayHaveToken) return endpoint.fetch(input, init)

    const isEndpoint = url.origin === endpointUrl?.origin && url.pathname === endpointUrl.pathname
    const signal = init.signal ?? request?.signal
    const body = init.body ?? request?.body
    const text =
      typeof init.body === 'string' ? init.body : await (isEndpoint && request?.clone().text())
    const send = (accessToken: string | undefined) => {
      const sent = new Headers(headers)
      if (accessToken !== undefined) sent.set('authorization', `Bearer ${accessToken}`)
      return endpoint.fetch(request ? request.clone() : input, {
        ...init,
        headers: sent,
        ...(isEndpoint &&
          endpoint.usesCookie && { credentials: init.credentials ?? ('include' as const) }),
      })
    }
    const read = async (response: Response): Promise<Refusal | undefined> => {
      if (response.status !== 401) return undefined
      if (!isEndpoint) {
        const canBeSentAgain = request !== undefined || !isStream(body)
        return mayHaveExpired() ? { reason: 'TOKEN_EXPIRED', mayRepeat: canBeSentAgain } : undefined
      }
      const answer = parseJson(await response.clone().text())
      if (typeof answer !== 'object' || answer === null) return undefined
      const sent = readOperation(url, text || undefined)
      return readRefusal(answer, sent?.document, sent?.operationName)
    }
    return attempt(source, send, read, signal)
  }
}

interface SentOperation {
  readonly document: DocumentNode
  readonly operationName: string | undefined
}

/** Undefined where it cannot be told what was sent; it is then not sent again. */
function readOperation(url: URL, body: string | undefined): SentOperation | undefined {
  const { query, operationName } = (
    body === undefined ? Object.fromEntries(url.searchParams) : (parseJson(body) ?? {})
  ) as { query?: unknown; operationName?: unknown }
  if (typeof query !== 'string') return undefined
  try {
    return {
      document: parse(query, { noLocation: true }),
      // The server treats an empty name as none.
      operationName:
        typeof operationName === 'string' && operationName !== '' ? operationName : undefined,
    }
  } catch {
    return undefined
  }
}

/** It can be read once: what is sent first is gone. */
function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
    ? true
    : typeof ReadableStream !== 'undefined' && body instanceof ReadableStream
}

/** Undefined outside a browser, where there is nothing that it could be relative to. */
export function absolute(url: string): URL | undefined {
  const base = (globalThis as Partial<typeof globalThis>).location?.href
  try {
    return new URL(url, base)
  } catch {
    return undefined
  }
}
