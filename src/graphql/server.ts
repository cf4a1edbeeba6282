/** Apollo Server, with what it does by default and no one asked for turned off. */
import {
  ApolloServer,
  type ApolloServerPlugin,
  type BaseContext,
  type GraphQLRequestListener,
} from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled'
import { unwrapResolverError } from '@apollo/server/errors'
import type { GraphQLSchema } from 'graphql'
import { isUnavailable } from '../database/unavailable.ts'
import type { Logger } from '../logging/logger.ts'
import { ErrorCode, type ErrorCodes } from '../core/errors.ts'
import { findAppError, formatError, isUnexpected, noteRequestId } from './format-error.ts'
import { defaultLimits, limitsRule } from './limits.ts'
import { operationReporter, type OperationReport } from './operation-report.ts'

/** What this folder needs of a context. */
export interface RequestContext extends BaseContext {
  readonly requestId: string
  readonly request: {
    readonly log: Logger
    readonly authorization: string | undefined
    noteRefusal(): void
  }
}

export interface GraphqlServerOptions {
  readonly schema: GraphQLSchema
  /** All codes, with the HTTP status of each. */
  readonly errorCodes: ErrorCodes
  readonly log: Logger
  readonly introspection: boolean
  /** Makes the HTML for a browser that opens the address; absent, there is none. */
  readonly landingPage: (() => string) | undefined
  readonly onAnswered?: ((report: OperationReport) => void) | undefined
}

export function createGraphqlServer<C extends RequestContext>(
  options: GraphqlServerOptions,
): ApolloServer<C> {
  const { errorCodes, introspection, landingPage, log, onAnswered, schema } = options
  return new ApolloServer<C>({
    schema,
    introspection,
    logger: log,
    formatError,
    parseOptions: { maxLexicalTokens: defaultLimits.tokens },
    validationRules: [limitsRule(defaultLimits)],
    validationOptions: { maxErrors: 5 },
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    allowBatchedHttpRequests: false,
    csrfPrevention: true,
    persistedQueries: false,
    // Signals, and the order of closing, are main.ts's and app.ts's.
    stopOnTerminationSignals: false,
    // Not from NODE_ENV: what may be shown is decided by the options above.
    nodeEnv: 'production',
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      landingPage === undefined
        ? ApolloServerPluginLandingPageDisabled()
        : landingPagePlugin(landingPage),
      errorPlugin(errorCodes),
      ...(onAnswered ? [operationReporter(onAnswered)] : []),
    ],
  })
}

function landingPagePlugin(makeHtml: () => string): ApolloServerPlugin {
  const html = async () => makeHtml()
  return { serverWillStart: async () => ({ renderLandingPage: async () => ({ html }) }) }
}

/** Logs what is masked, once, and gives failed operations the HTTP status of their code. */
function errorPlugin(errorCodes: ErrorCodes): ApolloServerPlugin<RequestContext> {
  const errorListener: GraphQLRequestListener<RequestContext> = {
    async didEncounterErrors({ contextValue, errors }) {
      // What the server failed at is not the client's fault, and is not paid for from its budget.
      if (!errors.every(isUnexpected)) contextValue.request.noteRefusal()
      for (const error of errors) {
        if (!isUnexpected(error)) continue
        noteRequestId(error, contextValue.requestId)
        contextValue.request.log.error({ err: error.originalError ?? error }, 'Unexpected error')
      }
    },
    async willSendResponse({ contextValue, errors, response }) {
      if (!errors?.length || response.body.kind !== 'single') return
      // With data next to the error the operation has not failed.
      if (response.body.singleResult.data != null) return
      if (errors.every((error) => isUnavailable(unwrapResolverError(error)))) {
        response.http.status = 503
        response.http.headers.set('retry-after', '1')
        return
      }
      const appErrors = errors.map((error) => findAppError(error))
      const code = appErrors[0]?.code
      if (!appErrors.every((error) => error?.code === code)) return
      const status = code === undefined ? undefined : errorCodes[code]?.status
      if (status === undefined) return
      response.http.status = status
      const { retryAfter } = appErrors[0]!.extensions
      if (code === ErrorCode.REAUTHENTICATION_REQUIRED) {
        // RFC 9470 section 3: one proof that is recent enough for all of the fields.
        const maxAge = Math.min(...appErrors.map((error) => error!.extensions.maxAge!))
        response.http.headers.set(
          'www-authenticate',
          `Bearer error="insufficient_user_authentication", max_age=${maxAge}`,
        )
      }
      if (code === ErrorCode.UNAUTHENTICATED) {
        // RFC 6750 section 3.1: without credentials the response names no error.
        const isGiven = contextValue.request.authorization !== undefined
        const error = isGiven ? ' error="invalid_token"' : ''
        response.http.headers.set('www-authenticate', `Bearer${error}`)
      }
      if (retryAfter !== undefined) response.http.headers.set('retry-after', String(retryAfter))
    },
  }
  return { requestDidStart: async () => errorListener }
}
