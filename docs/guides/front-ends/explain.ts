/** What went wrong, for people. */
import {
  NetworkError,
  assertNever,
  readServerError,
  type ServerError,
  type SignedOutReason,
} from 'latchkey/client'

export function explain(error: unknown): string {
  const said = readServerError(error)
  if (said) return explainRefusal(said)
  return error instanceof NetworkError
    ? 'The server cannot be reached. Try again in a moment.'
    : 'This did not work.'
}

function explainRefusal(said: ServerError): string {
  switch (said.code) {
    case 'INVALID_CREDENTIALS':
      return 'Wrong e-mail or password.'
    case 'EMAIL_TAKEN':
      return 'There is an account with this address. Sign in.'
    case 'RATE_LIMITED':
      return `Too many attempts. Try again in ${said.retryAfter} seconds.`
    case 'UNAUTHENTICATED':
    case 'INVALID_REFRESH_TOKEN':
      return said.reason === 'ACCOUNT_DISABLED' ? 'This account is disabled.' : 'Sign in again.'
    case 'REAUTHENTICATION_REQUIRED':
      return 'Confirm first that it is you.'
    case 'LINK_REQUIRED':
      return `There is an account with this address. Sign in with ${said.linkableWith.join(' or ')}, then link ${said.provider}.`
    case 'PROVIDER_ERROR':
    case 'INVALID_FLOW':
      return 'The sign-in did not work. Start again.'
    case 'LAST_CREDENTIAL':
      return 'This is the only way to sign in. Set a password first.'
    case 'BAD_USER_INPUT':
    case 'FORBIDDEN':
      return said.message
    case 'REFRESH_TOKEN_REUSED':
      return 'You were signed out for safety. Sign in again.'
    case 'UNKNOWN_PROVIDER':
    case 'PAYLOAD_TOO_LARGE':
    case 'QUERY_TOO_COMPLEX':
    case 'INTERNAL_SERVER_ERROR':
    case undefined:
      return 'Something is wrong on our side. Try again later.'
    default:
      return assertNever(said)
  }
}

/** Why someone sees the sign-in who has not asked for it. */
export function explainSignedOut(reason: SignedOutReason | undefined): string | undefined {
  switch (reason) {
    case 'REFRESH_TOKEN_REUSED':
      return 'You were signed out for safety: a copy of your session was in use.'
    case 'ACCOUNT_DISABLED':
      return 'This account is disabled.'
    case 'SESSION_ENDED':
    case 'TOKEN_EXPIRED':
    case 'TOKEN_INVALID':
      return 'Your session has ended.'
    case 'SIGNED_OUT':
    case undefined:
      return undefined
    default:
      return assertNever(reason)
  }
}
