/** `fetch` with the access token, sent once more with the next token after a refusal. */
import { parse } from 'graphql'
import { whileWanted } from './deadline.ts'
import { parseJson } from './errors.ts'
import type { TokenErrorReason } from './generated/schema.ts'
import {
  readUnauthorized,
  type Endpoint,
  type ProofRequired,
  type Refusal,
  type SentOperation,
} from './operation.ts'

/** What a request needs of a session. */
export interface TokenSource {
  /** The API's address. Only this server can say that the session has ended. */
  readonly url?: string
  accessToken(): Promise<string | undefined>
  /**
   * What to do with a token that a server has refused.
   * @param reason undefined if another server refused it, or without a reason: the token is then renewed,
   * once in 30 seconds at most, and the renewal shows whether the session has ended
   * @returns the next token, if the request can be sent again
   */
  handleRejectedToken(accessToken: string, reason?: TokenErrorReason): Promise<string | undefined>
  /**
   * What to do if the user of a good token has to prove again who they are.
   * @returns the next token, after the proof
   */
  proofRequired?(accessToken: string, proof: ProofRequired): Promise<string | undefined>
}

/**
 * The token to send with after a refusal.
 * @param isRepeated whether there was a refusal of this kind before: another token of the same kind would
 * be refused as well, without an end
 */
export async function nextToken(
  source: TokenSource,
  accessToken: string,
  refusal: Refusal,
  isRepeated: boolean,
): Promise<string | undefined> {
  const { isRetryable, proof, reason } = refusal
  if (proof) {
    // No one is asked for a proof that would not help.
    const isUseful = isRetryable && !isRepeated
    return isUseful ? source.proofRequired?.(accessToken, proof) : undefined
  }
  if (isRepeated && (reason === undefined || reason === 'TOKEN_EXPIRED')) return undefined
  const next = await source.handleRejectedToken(accessToken, reason)
  return isRetryable && !isRepeated ? next : undefined
}

/**
 * Sends with a good token; after a refusal again with the next one if there is one: once for what is wrong
 * with the token, and once after a proof.
 * @param read what the server has against the token, or undefined
 */
export async function attempt<A>(
  source: TokenSource,
  send: (accessToken: string | undefined) => Promise<A>,
  read: (answer: A) => Refusal | undefined | Promise<Refusal | undefined>,
  signal?: AbortSignal | null,
): Promise<A> {
  let accessToken = await whileWanted(signal, source.accessToken())
  const refusals: Refusal[] = []
  for (;;) {
    const answer = await send(accessToken)
    const refusal = accessToken === undefined ? undefined : await read(answer)
    if (accessToken === undefined || !refusal) return answer
    const isRepeated = isOfKindBefore(refusal, refusals)
    const next = await whileWanted(signal, nextToken(source, accessToken, refusal, isRepeated))
    if (next === undefined) return answer
    refusals.push(refusal)
    accessToken = next
  }
}

/** What is wrong with a token is one kind of refusal, a missing proof another one. */
export function isOfKindBefore(refusal: Refusal, before: readonly Refusal[]): boolean {
  return before.some(({ proof }) => (proof === undefined) === (refusal.proof === undefined))
}

export interface AuthorizedFetchOptions {
  readonly endpoint: Endpoint
  /** Origins that get the token, in addition to the endpoint's own. */
  readonly origins: readonly string[]
  readonly source: TokenSource
}

export function createAuthorizedFetch(options: AuthorizedFetchOptions): typeof fetch {
  const { endpoint, origins, source } = options
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

    const isEndpoint = isSameEndpoint(url, endpointUrl)
    const signal = init.signal ?? request?.signal
    const readText = async () =>
      typeof init.body === 'string' ? init.body : init.body == null && request?.clone().text()
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
      const sent = readOperation(url, (await readText()) || undefined)
      const refusal = readUnauthorized(await response.clone().text(), {
        ...sent,
        isOwn: isEndpoint,
      })
      return { ...refusal, isRetryable: refusal.isRetryable && !isStream(init.body) }
    }
    return attempt(source, send, read, signal)
  }
}

/** @returns no document if it cannot be read what was sent */
function readOperation(url: URL, body: string | undefined): Omit<SentOperation, 'isOwn'> {
  const { query, operationName } = (
    body === undefined ? Object.fromEntries(url.searchParams) : (parseJson(body) ?? {})
  ) as { query?: unknown; operationName?: unknown }
  if (typeof query !== 'string') return { document: undefined }
  try {
    return {
      document: parse(query, { noLocation: true }),
      // The server treats an empty name as none.
      operationName:
        typeof operationName === 'string' && operationName !== '' ? operationName : undefined,
    }
  } catch {
    return { document: undefined }
  }
}

/** Whether two URLs are one API, whatever their query. */
export function isSameEndpoint(url: URL | undefined, endpoint: URL | undefined): boolean {
  return url !== undefined && url.origin === endpoint?.origin && url.pathname === endpoint.pathname
}

/** It can be read once: what is sent first is gone. */
function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
    ? true
    : typeof ReadableStream !== 'undefined' && body instanceof ReadableStream
}

/** Undefined outside a browser, if there is nothing that it could be relative to. */
export function absolute(url: string): URL | undefined {
  const base = (globalThis as Partial<typeof globalThis>).location?.href
  try {
    return new URL(url, base)
  } catch {
    return undefined
  }
}
