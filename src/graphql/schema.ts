/** Builds the executable schema out of the features' resolvers. */
import {
  GraphQLEnumType,
  GraphQLSchema,
  type GraphQLDirective,
  type GraphQLNamedType,
} from 'graphql'
import { buildSchemaSync, type AuthChecker, type NonEmptyArray } from 'type-graphql'
import type { ErrorCode, TokenErrorReason } from '../core/errors.ts'

// Published although no field returns them: codegen gives them to clients, to switch over.
const errorCodeEnum = new GraphQLEnumType({
  name: 'ErrorCode',
  description:
    "Why a request failed, as `errors[].extensions.code`. GraphQL's own codes, such as `GRAPHQL_VALIDATION_FAILED`, may occur as well.",
  values: describe({
    UNAUTHENTICATED:
      'A guarded field was requested without a valid access token; `reason` says why.',
    REAUTHENTICATION_REQUIRED:
      "The user's last proof of identity is too old for this field. Call `reauthenticate` or `reauthenticateWithProvider`, then send the operation again. `maxAge` is how many seconds old the proof may be; `methods` lists how to prove it: `password`, or ids of providers.",
    FORBIDDEN:
      'The user lacks the role that the field needs, the account at the provider is not the linked one, or registration is closed.',
    BAD_USER_INPUT: 'An argument breaks a rule; `field` names it.',
    INVALID_CREDENTIALS: 'Wrong e-mail or password. The response does not reveal which of the two.',
    EMAIL_TAKEN: 'There is an account with this e-mail address.',
    INVALID_REFRESH_TOKEN:
      'The refresh token is unknown, malformed or expired, or its session has ended; `reason` says which.',
    REFRESH_TOKEN_REUSED:
      'A refresh token that had already been replaced was used again. Its session is revoked.',
    RATE_LIMITED: 'Too many attempts, or the server is busy: retry after `retryAfter` seconds.',
    UNKNOWN_PROVIDER: 'No provider with this id is configured.',
    INVALID_FLOW:
      'The flow of a provider sign-in belongs to another client, was used before, has expired, or its state differs.',
    PROVIDER_ERROR: 'The provider refused the sign-in or sent an invalid response.',
    LINK_REQUIRED:
      "An account has the provider's e-mail address, and this sign-in may not join it: sign in to that account and call `linkProvider`.",
    LAST_CREDENTIAL: 'Unlinking this provider would leave the account without a way to sign in.',
    PAYLOAD_TOO_LARGE: 'The request body is too large.',
    QUERY_TOO_COMPLEX: 'The operation exceeds a limit: tokens, depth, aliases, directives or cost.',
    INTERNAL_SERVER_ERROR: 'Unexpected error: look up `requestId` in the server log.',
  } satisfies Record<ErrorCode, string>),
})

const tokenErrorReasonEnum = new GraphQLEnumType({
  name: 'TokenErrorReason',
  description:
    'Why a token was refused, as `errors[].extensions.reason` of `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`.',
  values: describe({
    TOKEN_MISSING: 'No token was sent.',
    TOKEN_INVALID: 'The token was not issued by this server, or was modified.',
    TOKEN_EXPIRED: 'The token has expired.',
    WRONG_AUDIENCE:
      'The token was issued for another service (`narrowAccessToken`) and is not accepted here.',
    SESSION_ENDED:
      'The session of the token was revoked: by a sign-out, a new password, a replayed refresh token or an operator.',
    ACCOUNT_DISABLED: 'An operator has disabled the account.',
  } satisfies Record<TokenErrorReason, string>),
})

export interface SchemaOptions {
  // oxlint-disable-next-line typescript/no-unsafe-function-type -- type-graphql's own type for classes
  readonly resolvers: NonEmptyArray<Function>
  // oxlint-disable-next-line typescript/no-explicit-any -- what a context is, the features know
  readonly authChecker: AuthChecker<any, any>
  /** Directives that only describe; they may refer to the schema's own types. */
  readonly directives: (typeNamed: (name: string) => GraphQLNamedType) => GraphQLDirective[]
}

export function buildExecutableSchema(options: SchemaOptions): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: options.resolvers,
    authChecker: options.authChecker,
    // Rules on values stand in the services, where every way in meets them.
    validate: false,
  })
  const config = schema.toConfig()
  const typeNamed = (name: string) => {
    const type = schema.getType(name)
    if (!type) throw new Error(`The schema has no type ${name}`)
    return type
  }
  return new GraphQLSchema({
    ...config,
    types: [...config.types, errorCodeEnum, tokenErrorReasonEnum],
    directives: [...config.directives, ...options.directives(typeNamed)],
  })
}

function describe(values: Record<string, string>) {
  return Object.fromEntries(
    Object.entries(values).map(([name, description]) => [name, { description }]),
  )
}
