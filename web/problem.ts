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

/** Texts for a code, if a form can say it better. */
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
  if (!failure) return { text: 'Something went wrong on this page. Reload it.' }
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
      return { text: 'Nothing was changed, because you did not confirm your identity.' }
    case ErrorCode.FORBIDDEN:
      // Registration is closed, or a provider's account is someone else's: the server says which.
      return { text: failure.message }
    case ErrorCode.BAD_USER_INPUT:
      return failure.field === 'redirectUri'
        ? {
            text: 'You cannot sign in with a provider at this URL. Open the page at its usual address.',
          }
        : { text: failure.message, field: failure.field }
    case ErrorCode.INVALID_CREDENTIALS:
      return { text: 'Wrong e-mail or password.' }
    case ErrorCode.EMAIL_TAKEN:
      return {
        text: 'An account with this e-mail address already exists. Sign in instead.',
        field: 'email',
      }
    case ErrorCode.RATE_LIMITED:
      return { text: 'Too many attempts. Wait a moment.', retryAfter: failure.retryAfter }
    case ErrorCode.UNKNOWN_PROVIDER:
      return { text: 'This way to sign in is no longer available. Reload the page.' }
    case ErrorCode.INVALID_FLOW:
      return {
        text: 'This sign-in took too long, was used before, or was started in another tab. Start again.',
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
        text: `An account with the e-mail address of your ${nameOf(failure.provider, names)} account already exists. Sign in to it first.`,
      }
    case ErrorCode.LAST_CREDENTIAL:
      return {
        text: `${nameOf(failure.provider, names)} is your only way to sign in. Set a password or link another provider first.`,
      }
    case ErrorCode.PAYLOAD_TOO_LARGE:
    case ErrorCode.QUERY_TOO_COMPLEX:
      return { text: 'You have entered more than the server accepts. Shorten your input.' }
    case ErrorCode.INTERNAL_SERVER_ERROR:
      return {
        text: `Something went wrong. If it keeps happening, contact support and quote ${failure.requestId ?? 'none'}.`,
        canRetry: true,
      }
    case undefined:
      return { text: 'This page does not match the server’s version. Reload it.' }
    default:
      return assertNever(failure)
  }
}

const replayed =
  'You were signed out for your safety: a used sign-in token was used again, which happens when it has been copied. Sign in again.'

/** Why a session is no more. */
export function describeTokenReason(reason: TokenErrorReason): string {
  switch (reason) {
    case TokenErrorReason.ACCOUNT_DISABLED:
      return 'This account is disabled. Contact the operator of this service.'
    case TokenErrorReason.SESSION_ENDED:
      return 'You were signed out from another device, or because the password was changed. Sign in again.'
    case TokenErrorReason.TOKEN_EXPIRED:
      return 'You were signed out because you have not been here for a while. Sign in again.'
    case TokenErrorReason.WRONG_AUDIENCE:
    case TokenErrorReason.TOKEN_INVALID:
    case TokenErrorReason.TOKEN_MISSING:
      return 'You are no longer signed in. Sign in again.'
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
