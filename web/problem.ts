/** What went wrong, in words for the user in front of the page. */
import {
  ErrorCode,
  NetworkError,
  TokenErrorReason,
  assertNever,
  readServerError,
  type ServerError,
  type SignedOutReason,
} from '../client/index.ts'

export interface Problem {
  readonly text: string
  /** The argument that breaks a rule, to be shown at its field. */
  readonly field?: string | undefined
  /** For how many seconds another attempt would be refused. */
  readonly retryAfter?: number
  /** Whether the same again may work. */
  readonly canRetry?: boolean
}

/** Words for a code where a form can say it better. */
export type Wording = Partial<Record<ErrorCode, string>>

/**
 * @param names of providers, by id
 * @param wording of one form
 */
export function describeProblem(
  error: unknown,
  names: ReadonlyMap<string, string> = new Map(),
  wording: Wording = {},
): Problem {
  if (error instanceof NetworkError) {
    return {
      text: 'The server cannot be reached. Check your connection, then try again.',
      canRetry: true,
    }
  }
  const failure = readServerError(error)
  if (!failure) return { text: 'Something went wrong on this page. Load it again.' }
  const problem = describe(failure, names)
  const better = failure.code === undefined ? undefined : wording[failure.code]
  return better === undefined ? problem : { ...problem, text: better }
}

function describe(failure: ServerError, names: ReadonlyMap<string, string>): Problem {
  switch (failure.code) {
    case ErrorCode.UNAUTHENTICATED:
    case ErrorCode.INVALID_REFRESH_TOKEN:
      return { text: describeTokenReason(failure.reason) }
    case ErrorCode.REFRESH_TOKEN_REUSED:
      return { text: replayed }
    case ErrorCode.REAUTHENTICATION_REQUIRED:
      return { text: 'Nothing was changed, because you have not confirmed that it is you.' }
    case ErrorCode.FORBIDDEN:
      // Registration is closed, or a provider's account is someone else's: the server says which.
      return { text: failure.message }
    case ErrorCode.BAD_USER_INPUT:
      return failure.field === 'redirectUri'
        ? { text: 'Signing in with a provider does not work at this address of the page.' }
        : { text: failure.message, field: failure.field }
    case ErrorCode.INVALID_CREDENTIALS:
      return { text: 'This e-mail address and password do not belong together.' }
    case ErrorCode.EMAIL_TAKEN:
      return { text: 'There is an account with this address. Sign in instead.', field: 'email' }
    case ErrorCode.RATE_LIMITED:
      return { text: 'Too many attempts. Wait a moment.', retryAfter: failure.retryAfter }
    case ErrorCode.UNKNOWN_PROVIDER:
      return { text: 'This way to sign in is not offered any more. Load the page again.' }
    case ErrorCode.INVALID_FLOW:
      return {
        text: 'This sign-in took too long, was used before, or was begun in another tab. Begin again.',
      }
    case ErrorCode.PROVIDER_ERROR:
      return {
        text:
          failure.providerError === 'access_denied'
            ? `You did not agree at ${nameOf(failure.provider, names)}, so nothing was changed.`
            : `${nameOf(failure.provider, names)} did not confirm the sign-in, so nothing was changed. Try again, or use another way.`,
      }
    case ErrorCode.LINK_REQUIRED:
      return {
        text: `There is an account with the address of your ${nameOf(failure.provider, names)} account. Sign in to it first.`,
      }
    case ErrorCode.LAST_CREDENTIAL:
      return {
        text: `${nameOf(failure.provider, names)} is your only way to sign in. Set a password or link another provider first.`,
      }
    case ErrorCode.PAYLOAD_TOO_LARGE:
    case ErrorCode.QUERY_TOO_COMPLEX:
      return { text: 'This is more than the server takes at once. Shorten what you have entered.' }
    case ErrorCode.INTERNAL_SERVER_ERROR:
      return {
        text: `The server failed. Try again; if it stays so, tell its operator this number: ${failure.requestId ?? 'none'}.`,
        canRetry: true,
      }
    case undefined:
      return { text: 'The page and the server do not understand each other. Load the page again.' }
    default:
      return assertNever(failure)
  }
}

const replayed =
  'For your safety this sign-in was ended: an old key to it was used again, which happens when it was copied. Sign in again.'

/** Why a session is no more. */
export function describeTokenReason(reason: TokenErrorReason): string {
  switch (reason) {
    case TokenErrorReason.ACCOUNT_DISABLED:
      return 'This account is disabled. Ask the operator of this service.'
    case TokenErrorReason.SESSION_ENDED:
      return 'You have been signed out here, from another device or because the password was changed. Sign in again.'
    case TokenErrorReason.TOKEN_EXPIRED:
      return 'You have not been here for a while, so you were signed out. Sign in again.'
    case TokenErrorReason.WRONG_AUDIENCE:
    case TokenErrorReason.TOKEN_INVALID:
    case TokenErrorReason.TOKEN_MISSING:
      return 'You are not signed in any more. Sign in again.'
    default:
      return assertNever(reason)
  }
}

function nameOf(provider: string | undefined, names: ReadonlyMap<string, string>): string {
  return names.get(provider ?? '') ?? 'The provider'
}

/** Why someone was signed out. */
export function describeSignedOut(reason: SignedOutReason): string {
  if (reason === 'SIGNED_OUT') return 'You are signed out.'
  if (reason === 'REFRESH_TOKEN_REUSED') return replayed
  return describeTokenReason(reason)
}
