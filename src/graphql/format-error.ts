/** What a client gets to see of an error: what it is meant to see, without what it sent. */
import { HeaderMap } from '@apollo/server'
import { unwrapResolverError } from '@apollo/server/errors'
import { GraphQLError, Kind, isValueNode, print, type GraphQLFormattedError } from 'graphql'
import { isUnavailable } from '../database/unavailable.ts'
import { AppError, ErrorCode } from '../core/errors.ts'
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

// What follows are wordings of graphql-js up to where a value of the client starts.
const syntaxError =
  /^Syntax Error: (Unterminated string|(Expected [^,]+, found|Unexpected) (Name|Int|Float|String|BlockString|<EOF>|"[^\w"]+"))/

const validationAborted = /^(Too many validation errors|Validation aborted)/
/** About the fields of an input object, not about their values. */
const objectError =
  /^(Field|OneOf Input Object) "[\w.]+" (of required type "[\w[\]!]+" was not provided|must (be non-null|specify exactly one key))\.$/

const valueError =
  /^(Expected value of type "[\w[\]!]+"|(\w+|Enum "\w+") cannot represent (a )?non[\w -]+ value|The value does not exist in "\w+" enum|Argument "\w+" has invalid value)/

/** Whose log entry an error has: noted when it is logged, read when it is masked. */
const requestIds = new WeakMap<object, string>()

export function noteRequestId(error: unknown, requestId: string): void {
  if (typeof error === 'object' && error !== null) requestIds.set(error, requestId)
}

/** What the context of a request throws: masked like every unexpected error. */
export function contextError(error: unknown, requestId: string): GraphQLError {
  const masked = new GraphQLError('Internal server error', {
    originalError: error instanceof Error ? error : new Error(String(error)),
    extensions: {
      http: isUnavailable(error)
        ? { status: 503, headers: new HeaderMap([['retry-after', '1']]) }
        : { status: 500 },
    },
  })
  noteRequestId(masked, requestId)
  return masked
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
  const { message, originalError, path } = error
  if (path !== undefined) {
    return !(originalError instanceof GraphQLError && argumentError.test(message))
  }
  // Before the first field, what nothing else has caused is graphql-js's own word on the request.
  return originalError !== undefined && !requestErrorCodes.has(codeOf(error))
}

function codeOf(error: GraphQLError): string {
  return String(error.extensions['code'])
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
  // graphql-js gives it no code of its own.
  if (formatted.message.startsWith('Syntax Error: Document contains more')) {
    const tooMany = findAppError(tooComplex('tokens', defaultLimits.tokens))!
    return { message: tooMany.message, extensions: { ...tooMany.extensions } }
  }
  const requestError = error as GraphQLError
  const code = codeOf(requestError)
  return {
    message: withoutValues(formatted.message, requestError),
    ...place,
    extensions: {
      code: requestErrorCodes.has(code) ? code : path ? 'BAD_USER_INPUT' : 'BAD_REQUEST',
    },
  }
}

/**
 * graphql-js repeats what it could not read, which may be a password in the wrong place. Of a message
 * that holds a value only wordings known to be without it pass; names and types may be shown.
 */
function withoutValues(message: string, error: GraphQLError): string {
  const code = codeOf(error)
  if (code === 'GRAPHQL_PARSE_FAILED') {
    return `${syntaxError.exec(message)?.[0] ?? 'Syntax Error: Unexpected character'}.`
  }
  if (code === 'OPERATION_RESOLUTION_FAILURE') {
    return message.replace(/ named "[^]*$/, ' of this name.')
  }
  const node = error.nodes?.[0]
  if (node?.kind === Kind.VARIABLE_DEFINITION) {
    return message.replace(
      / got invalid value [^]*$/,
      ` does not fit its type ${print(node.type)}.`,
    )
  }
  // A custom scalar may throw without saying where.
  const isAboutValue = node
    ? isValueNode(node) && node.kind !== Kind.VARIABLE
    : code === 'GRAPHQL_VALIDATION_FAILED' && !validationAborted.test(message)
  if (!isAboutValue || objectError.test(message)) return message
  const withoutName = message.replace(/^Value "\w+"/, 'The value')
  return `${valueError.exec(withoutName)?.[0] ?? 'The value does not fit its type'}.`
}
