/** Error codes, each declared once with its description and HTTP status, and the class that carries them. */

export interface ErrorCodeFacts {
  /** For the schema: clients switch over these codes. */
  readonly description: string
  /** The HTTP status of an operation that failed for this reason alone; 200 if it has none. */
  readonly status?: number
}

export type ErrorCodes = Readonly<Record<string, ErrorCodeFacts>>

/** Codes are API: they are never renamed, only added. Features declare their own (`Feature.errorCodes`). */
export const errorCodes = {
  UNAUTHENTICATED: {
    description:
      'A guarded field was requested without a valid access token, or the account is disabled; `reason` says why.',
    status: 401,
  },
  REAUTHENTICATION_REQUIRED: {
    description:
      "The user's last proof of identity is too old for this field. Call `reauthenticate` or `reauthenticateWithProvider`, then send the operation again. `maxAge` is how many seconds old the proof may be; `methods` lists how to prove it: `password`, or ids of providers.",
    status: 401,
  },
  FORBIDDEN: {
    description:
      'The user lacks the role that the field needs, the account at the provider is not the linked one, or registration is closed.',
    status: 403,
  },
  BAD_USER_INPUT: { description: 'An argument breaks a rule; `field` names it.' },
  INVALID_CREDENTIALS: {
    description: 'Wrong e-mail or password. The response does not reveal which of the two.',
  },
  EMAIL_TAKEN: { description: 'There is an account with this e-mail address.' },
  INVALID_REFRESH_TOKEN: {
    description:
      'The refresh token is unknown, malformed or expired, or its session has ended; `reason` says which.',
  },
  REFRESH_TOKEN_REUSED: {
    description:
      'A refresh token that had already been replaced was used again. Its session is revoked.',
  },
  RATE_LIMITED: {
    description: 'Too many attempts, or the server is busy: retry after `retryAfter` seconds.',
    status: 429,
  },
  LAST_CREDENTIAL: {
    description: 'Unlinking this provider would leave the account without a way to sign in.',
  },
  PAYLOAD_TOO_LARGE: { description: 'The request body is too large.' },
  QUERY_TOO_COMPLEX: {
    description: 'The operation exceeds a limit: tokens, depth, aliases, directives or cost.',
  },
  INTERNAL_SERVER_ERROR: {
    description: 'Unexpected error: look up `requestId` in the server log.',
  },
} as const satisfies ErrorCodes

/** @returns an object in which each code is the value of a key of the same name */
export function codesOf<T extends ErrorCodes>(codes: T): { readonly [Code in keyof T]: Code } {
  const names = Object.keys(codes).map((code) => [code, code])
  return Object.fromEntries(names) as { readonly [Code in keyof T]: Code }
}

/** Why a request failed, as `extensions.code`. */
export const ErrorCode = codesOf(errorCodes)

/** What is wrong with a token, as `extensions.reason` of `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`. */
export const tokenErrorReasons = {
  TOKEN_MISSING: { description: 'No token was sent.' },
  TOKEN_INVALID: { description: 'The token was not issued by this server, or was modified.' },
  TOKEN_EXPIRED: { description: 'The token has expired.' },
  WRONG_AUDIENCE: {
    description:
      'The token was issued for another service (`narrowAccessToken`) and is not accepted here.',
  },
  SESSION_ENDED: {
    description:
      'The session of the token was revoked: by a sign-out, a new password, a replayed refresh token or an operator.',
  },
  ACCOUNT_DISABLED: { description: 'An operator has disabled the account.' },
} as const satisfies ErrorCodes
export const TokenErrorReason = codesOf(tokenErrorReasons)
export type TokenErrorReason = keyof typeof tokenErrorReasons

/** What an error carries in addition to its code; docs/reference/errors.md says which code carries which. */
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
  readonly extensions: ErrorExtras & { readonly code: string }

  /**
   * @param message for people: never contains a secret or anything that the client did not already know
   * @param options.cause for the log only
   */
  constructor(code: string, message: string, extras: ErrorExtras = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AppError'
    this.extensions = { code, ...extras }
  }

  get code(): string {
    return this.extensions.code
  }
}

/** An argument breaks a rule that its description states. */
export function badUserInput(field: string, message: string): AppError {
  return new AppError(ErrorCode.BAD_USER_INPUT, message, { field })
}
