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
    "Why a request failed, as `errors[].extensions.code`. GraphQL's own codes, such as `GRAPHQL_VALIDATION_FAILED`, may occur beside these.",
  values: describe({
    UNAUTHENTICATED:
      'A guarded field without a good access token; `reason` says what is wrong with it.',
    REAUTHENTICATION_REQUIRED:
      'Signed in, but the last proof of it is too old for this: prove it again by `reauthenticate` or `reauthenticateWithProvider`, then send the same once more. `maxAge` says how many seconds old the proof may be, `methods` how it can be given: `password`, or ids of providers.',
    FORBIDDEN:
      'Signed in, but without the role that this needs; the account at the provider is not the one that is linked; or registration is closed.',
    BAD_USER_INPUT: 'An argument breaks a rule; `field` names it.',
    INVALID_CREDENTIALS: 'Wrong e-mail or password. Which of the two is not said.',
    EMAIL_TAKEN: 'There is an account with this e-mail address.',
    INVALID_REFRESH_TOKEN:
      'The refresh token is unknown, malformed or expired, or its session has ended; `reason` says which.',
    REFRESH_TOKEN_REUSED: 'An old refresh token came back; its session is ended.',
    RATE_LIMITED: 'Too many attempts; `retryAfter` says for how many seconds.',
    UNKNOWN_PROVIDER: 'The server has no provider of this id.',
    INVALID_FLOW:
      "The provider sign-in is not this client's, was used before, has expired, or its state differs.",
    PROVIDER_ERROR: 'The provider refused or misbehaved.',
    LINK_REQUIRED:
      "The provider's e-mail address belongs to an account that this sign-in may not take over.",
    LAST_CREDENTIAL: 'Removing it would leave no way to sign in.',
    PAYLOAD_TOO_LARGE: 'The request body is too large.',
    QUERY_TOO_COMPLEX: 'The operation exceeds a limit: tokens, depth, aliases, directives or cost.',
    INTERNAL_SERVER_ERROR: 'Something else; the log has it under `requestId`.',
  } satisfies Record<ErrorCode, string>),
})

const tokenErrorReasonEnum = new GraphQLEnumType({
  name: 'TokenErrorReason',
  description:
    'What is wrong with a token, as `errors[].extensions.reason` of `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`.',
  values: describe({
    TOKEN_MISSING: 'There is none.',
    TOKEN_INVALID: 'It is not one of ours, or was changed.',
    TOKEN_EXPIRED: 'It was good, and its time is over.',
    WRONG_AUDIENCE:
      'It was issued for another service (`narrowAccessToken`), and opens nothing here.',
    SESSION_ENDED:
      'Its session was ended: by a sign-out, a new password, a replayed refresh token, an operator.',
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
