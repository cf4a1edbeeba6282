/** The errors with which sessions, sign-ins and refreshes are refused. */
import { AppError, ErrorCode, TokenErrorReason } from '../errors.ts'

/** One message whatever was wrong with a sign-in. */
export function invalidCredentials(): AppError {
  return new AppError(ErrorCode.INVALID_CREDENTIALS, 'Wrong e-mail or password.')
}

export function accountDisabled(): AppError {
  const reason = TokenErrorReason.ACCOUNT_DISABLED
  return new AppError(ErrorCode.UNAUTHENTICATED, 'This account is disabled.', { reason })
}

/** The session has ended since the request started. */
export function sessionEnded(): AppError {
  return new AppError(ErrorCode.UNAUTHENTICATED, 'The session has ended. Sign in again.', {
    reason: TokenErrorReason.SESSION_ENDED,
  })
}

export function invalidRefreshToken(reason: TokenErrorReason): AppError {
  const message =
    reason === TokenErrorReason.TOKEN_MISSING
      ? 'No refresh token was sent.'
      : 'This refresh token is not valid. Sign in again.'
  return new AppError(ErrorCode.INVALID_REFRESH_TOKEN, message, { reason })
}

export function refreshTokenReused(): AppError {
  return new AppError(
    ErrorCode.REFRESH_TOKEN_REUSED,
    'This refresh token was used before. The session has been revoked: sign in again.',
  )
}
