/** What the server said when a request failed. */
import { CombinedGraphQLErrors } from '@apollo/client'
import { ErrorCode, type TokenErrorReason } from './generated/schema.ts'

export interface ServerError {
  /** Absent for GraphQL's own codes: those mean a mistake in the client, not in what a person did. */
  readonly code: ErrorCode | undefined
  /** For people, in English. */
  readonly message: string
  /** With `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`: what is wrong with the token. */
  readonly reason?: TokenErrorReason
  /** With `BAD_USER_INPUT`: the argument that breaks a rule. */
  readonly field?: string
  /** With `RATE_LIMITED`: the seconds to wait. */
  readonly retryAfter?: number
  /** With `INTERNAL_SERVER_ERROR`: finds the entry in the server's log. */
  readonly requestId?: string
}

/**
 * Reads what Apollo Client throws, or gives as `error`.
 * @returns the first of the server's errors; undefined where the server was not reached
 */
export function readServerError(error: unknown): ServerError | undefined {
  if (!CombinedGraphQLErrors.is(error)) return undefined
  const [first] = error.errors
  if (!first) return undefined
  const { code, ...extras } = first.extensions ?? {}
  return { ...extras, message: first.message, code: isErrorCode(code) ? code : undefined }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ErrorCode, code)
}
