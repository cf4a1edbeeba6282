/** The closed list of error codes that clients may rely on, and the one class that carries them. */

/** Why a request failed, as `extensions.code`. Codes are API: they are never renamed, only added. */
export const ErrorCode = {
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  REAUTHENTICATION_REQUIRED: 'REAUTHENTICATION_REQUIRED',
  FORBIDDEN: 'FORBIDDEN',
  BAD_USER_INPUT: 'BAD_USER_INPUT',
  INVALID_CREDENTIALS: 'INVALID_CREDENTIALS',
  EMAIL_TAKEN: 'EMAIL_TAKEN',
  INVALID_REFRESH_TOKEN: 'INVALID_REFRESH_TOKEN',
  REFRESH_TOKEN_REUSED: 'REFRESH_TOKEN_REUSED',
  RATE_LIMITED: 'RATE_LIMITED',
  UNKNOWN_PROVIDER: 'UNKNOWN_PROVIDER',
  INVALID_FLOW: 'INVALID_FLOW',
  PROVIDER_ERROR: 'PROVIDER_ERROR',
  LINK_REQUIRED: 'LINK_REQUIRED',
  LAST_CREDENTIAL: 'LAST_CREDENTIAL',
  PAYLOAD_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  QUERY_TOO_COMPLEX: 'QUERY_TOO_COMPLEX',
  INTERNAL_SERVER_ERROR: 'INTERNAL_SERVER_ERROR',
} as const
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]

/** What is wrong with a token, as `extensions.reason` of `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`. */
export const TokenErrorReason = {
  TOKEN_MISSING: 'TOKEN_MISSING',
  TOKEN_INVALID: 'TOKEN_INVALID',
  TOKEN_EXPIRED: 'TOKEN_EXPIRED',
  WRONG_AUDIENCE: 'WRONG_AUDIENCE',
  SESSION_ENDED: 'SESSION_ENDED',
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
} as const
export type TokenErrorReason = (typeof TokenErrorReason)[keyof typeof TokenErrorReason]

/** What a code carries beside itself; the table in README.md says which code carries which. */
export interface ErrorExtras {
  readonly reason?: TokenErrorReason
  /** The argument that broke a rule. */
  readonly field?: string
  /** Seconds until another attempt can succeed. */
  readonly retryAfter?: number
  /** The provider that it is about. */
  readonly provider?: string
  /** With what the user can sign in to link: `password`, or providers' ids. */
  readonly linkableWith?: readonly string[]
  /** The most seconds that may have passed since the last proof. */
  readonly maxAge?: number
  /** How the user can prove who they are: `password`, or providers' ids. */
  readonly methods?: readonly string[]
  /** Finds the entry in the log. */
  readonly requestId?: string
}

/** A failure that the client is meant to see. Everything else that is thrown is masked and logged. */
export class AppError extends Error {
  /** graphql-js copies `extensions` of a thrown error into the response. */
  readonly extensions: ErrorExtras & { readonly code: ErrorCode }

  /**
   * @param message for people: never contains a secret or anything that the client did not already know
   * @param options.cause for the log only
   */
  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AppError'
    this.extensions = { code, ...extras }
  }

  get code(): ErrorCode {
    return this.extensions.code
  }
}

/** An argument breaks a rule that its description states. */
export function badUserInput(field: string, message: string): AppError {
  return new AppError(ErrorCode.BAD_USER_INPUT, message, { field })
}
