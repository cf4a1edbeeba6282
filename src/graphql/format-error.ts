/** What a client gets to see of an error: what it is meant to see, without what it sent. */
import { unwrapResolverError } from '@apollo/server/errors'
import { GraphQLError, Kind, print, type GraphQLFormattedError } from 'graphql'
import { AppError, ErrorCode } from '../errors.ts'
import { defaultLimits, tooComplex } from './limits.ts'

/** GraphQL's and Apollo's own codes for requests that were never executed. */
const requestErrorCodes = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
])

/** graphql-js throws these while it executes a field, but they are about the request. */
const argumentError = /^Argument "\w+" (of (non-null|required) type|has invalid value)/

/** Whose log entry an error has: noted when it is logged, read when it is masked. */
const requestIds = new WeakMap<object, string>()

export function noteRequestId(error: unknown, requestId: string): void {
  if (typeof error === 'object' && error !== null) requestIds.set(error, requestId)
}

/** The AppError inside, however graphql-js and Apollo have wrapped it. */
export function findAppError(error: unknown): AppError | undefined {
  const original = unwrapResolverError(error)
  if (original instanceof AppError) return original
  return original instanceof GraphQLError && original.originalError instanceof AppError
    ? original.originalError
    : undefined
}

/** Neither ours nor the client's fault: to be masked, and logged. */
export function isUnexpected(error: unknown): boolean {
  if (findAppError(error)) return false
  if (!(error instanceof GraphQLError)) return true
  if (error.path !== undefined) return !argumentError.test(error.message)
  return !requestErrorCodes.has(String(error.extensions['code']))
}

/** Apollo's `formatError`. */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
): GraphQLFormattedError {
  const { locations, path } = formatted
  const place = { ...(locations && { locations }), ...(path && { path }) }
  const appError = findAppError(error)
  if (appError) {
    return { message: appError.message, ...place, extensions: { ...appError.extensions } }
  }
  if (isUnexpected(error)) {
    const requestId = requestIds.get(error as object)
    return {
      message: 'Internal server error',
      ...place,
      extensions: { code: ErrorCode.INTERNAL_SERVER_ERROR, ...(requestId && { requestId }) },
    }
  }
  if (formatted.message.includes('Document contains more than')) {
    const { message, originalError } = tooComplex('tokens', defaultLimits.tokens)
    return { message, extensions: { ...(originalError as AppError).extensions } }
  }
  const code = formatted.extensions?.['code'] ?? 'INTERNAL_SERVER_ERROR'
  return {
    message: withoutValues(formatted.message, error as GraphQLError),
    ...place,
    extensions: { code: argumentError.test(formatted.message) ? 'BAD_USER_INPUT' : code },
  }
}

/**
 * graphql-js repeats what it could not read, which may be a password in the wrong place, and
 * suggests names, which tells the schema to people from whom introspection hides it.
 */
function withoutValues(message: string, error: GraphQLError): string {
  const variable = error.nodes?.[0]
  if (variable?.kind === Kind.VARIABLE_DEFINITION) {
    return `Variable "$${variable.variable.name.value}" does not fit its type ${print(variable.type)}.`
  }
  return message
    .replace(/ ?(Did you mean|Perhaps you meant)[^]*$/, '')
    .replace(/(found|Unexpected) (String|BlockString|Int|Float|Name) "[^]*?"(?=[.,]|$)/, '$1 $2')
    .replace(/(cannot represent (?:a |an )?[\w -]+): [^]*$/, '$1.')
    .replace(/^(Expected (?:value|type)[^,]*), found [^]*$/, '$1.')
    .replace(
      /^Value "[^]*" does not exist in "(\w+)" enum\.?$/,
      'The value does not exist in "$1" enum.',
    )
    .replace(
      /^(Syntax Error: (?:Invalid character|Unexpected character|Invalid number)[^]*)$/,
      'Syntax Error: Unexpected character.',
    )
    .replace(/^Syntax Error: Invalid [^]*$/, 'Syntax Error: Unexpected character.')
}
