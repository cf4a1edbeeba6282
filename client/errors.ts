/** What the server says when it refuses, as one type over every code. */
import { ErrorCode, TokenErrorReason } from './generated/schema.ts'

/** What each code carries beside itself. A code of the schema that is missing here does not compile below. */
interface Extras {
  UNAUTHENTICATED: { readonly reason: TokenErrorReason }
  REAUTHENTICATION_REQUIRED: {
    /** The most seconds that may have passed since the user's last proof. */
    readonly maxAge: number
    /** With what the user can prove who they are: `password`, or providers' ids. */
    readonly methods: readonly string[]
  }
  FORBIDDEN: { readonly provider?: string }
  BAD_USER_INPUT: {
    /** The argument that breaks a rule; absent if a value does not fit its type. */
    readonly field?: string
  }
  INVALID_CREDENTIALS: {}
  EMAIL_TAKEN: {}
  INVALID_REFRESH_TOKEN: { readonly reason: TokenErrorReason }
  REFRESH_TOKEN_REUSED: {}
  RATE_LIMITED: {
    /** Seconds until another attempt can succeed. */
    readonly retryAfter: number
  }
  UNKNOWN_PROVIDER: { readonly provider?: string }
  INVALID_FLOW: { readonly provider?: string }
  PROVIDER_ERROR: {
    readonly provider?: string
    /** What the provider has put into the redirect URI, such as `access_denied` (RFC 6749 section 4.1.2.1). */
    readonly providerError?: string
  }
  LINK_REQUIRED: {
    readonly provider: string
    /** With what the user can sign in to link: `password`, or providers' ids. */
    readonly linkableWith: readonly string[]
  }
  LAST_CREDENTIAL: { readonly provider?: string }
  PAYLOAD_TOO_LARGE: {}
  QUERY_TOO_COMPLEX: {}
  INTERNAL_SERVER_ERROR: {
    /** Finds the entry in the server's log. */
    readonly requestId?: string
  }
}

interface Said {
  /** For users, in English. It may change; the code does not. */
  readonly message: string
}

/** A code that is none of ours: GraphQL's own, which mean a mistake in the client, or another service's. */
export interface OtherError extends Said {
  readonly code: undefined
  /** Such as `GRAPHQL_VALIDATION_FAILED`, or `UNAUTHENTICATED` without a reason. */
  readonly otherCode: string | undefined
}

/** A refusal of the server. `switch (error.code)` narrows it to what the code carries. */
export type ServerError =
  | { [Code in ErrorCode]: Said & Extras[Code] & { readonly code: Code } }[ErrorCode]
  | OtherError

/** The server was reached, and said no. */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly serverError: ServerError

  constructor(serverError: ServerError, options?: ErrorOptions) {
    super(serverError.message, options)
    this.serverError = serverError
  }

  get code(): ErrorCode | undefined {
    return this.serverError.code
  }
}

/** As the server says it of a session that is over. */
export function endedError(reason: TokenErrorReason = 'SESSION_ENDED'): AuthError {
  const message = 'The session has ended. Sign in again.'
  return new AuthError({ code: 'UNAUTHENTICATED', reason, message })
}

/** The server was not reached, or what answered is not a GraphQL server. It says nothing about the session. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
}

/**
 * Reads what the server said out of whatever carries it: AuthError, a response's `errors`, Apollo
 * Client's and urql's errors.
 * @returns the first of the server's errors; undefined if the server was not reached
 */
export function readServerError(error: unknown): ServerError | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { bodyText, errors, graphQLErrors, networkError, serverError } = error as Record<
    string,
    unknown
  >
  // Not by its class: a page may have this client twice.
  if (typeof serverError === 'object' && serverError !== null) return serverError as ServerError
  for (const list of [errors, graphQLErrors]) {
    if (Array.isArray(list) && list.length > 0) return toServerError(list[0])
  }
  // Apollo Client, where the status is not 200 and the body is JSON all the same.
  if (typeof bodyText === 'string') return readServerError(parseJson(bodyText))
  return readServerError(networkError)
}

/** The code of whatever `readServerError` reads. */
export function errorCode(error: unknown): ErrorCode | undefined {
  return readServerError(error)?.code
}

/**
 * For the `default` of a `switch` over a closed list: does not compile if a case is missing.
 * @throws Error if a newer server says what this client does not know
 */
export function assertNever(value: never): never {
  throw new Error(`Not expected: ${JSON.stringify(value)}`)
}

/** @param error one entry of a response's `errors` */
export function toServerError(error: unknown): ServerError {
  const { message, extensions } = error as {
    message?: unknown
    extensions?: Record<string, unknown>
  }
  const { code, ...extras } = extensions ?? {}
  const text = String(message)
  // Our server always gives a reason; this is another service's.
  if (code === 'UNAUTHENTICATED' && extras['reason'] === undefined) {
    return { code: undefined, otherCode: code, message: text }
  }
  // A newer server may have more reasons, and all of them mean: not with this token.
  if (
    (code === 'UNAUTHENTICATED' || code === 'INVALID_REFRESH_TOKEN') &&
    !Object.hasOwn(TokenErrorReason, String(extras['reason']))
  ) {
    return { code, reason: 'TOKEN_INVALID', message: text }
  }
  return typeof code === 'string' && Object.hasOwn(ErrorCode, code)
    ? // The server keeps to its table of codes and extras.
      ({ ...extras, code, message: text } as ServerError)
    : { code: undefined, otherCode: typeof code === 'string' ? code : undefined, message: text }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
