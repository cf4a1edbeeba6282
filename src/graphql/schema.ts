/** Builds the executable schema out of the features' resolvers. */
import {
  GraphQLEnumType,
  GraphQLSchema,
  type GraphQLDirective,
  type GraphQLNamedType,
} from 'graphql'
import { buildSchemaSync, type AuthChecker, type NonEmptyArray } from 'type-graphql'
import { errorCodes, tokenErrorReasons, type ErrorCodes } from '../core/errors.ts'

export interface SchemaOptions {
  /** Of the features, in addition to those of core. */
  readonly errorCodes: ErrorCodes
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
    // Values are validated by the services, which every sign-in method and command calls.
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
    types: [...config.types, ...errorEnums(options.errorCodes)],
    directives: [...config.directives, ...options.directives(typeNamed)],
  })
}

/** No field returns them: they are in the schema so that code generators give them to clients. */
function errorEnums(ofFeatures: ErrorCodes): GraphQLEnumType[] {
  return [
    new GraphQLEnumType({
      name: 'ErrorCode',
      description:
        "Why a request failed, as `errors[].extensions.code`. GraphQL's own codes, such as `GRAPHQL_VALIDATION_FAILED`, may occur as well.",
      values: describe({ ...errorCodes, ...ofFeatures }),
    }),
    new GraphQLEnumType({
      name: 'TokenErrorReason',
      description:
        'Why a token was refused, as `errors[].extensions.reason` of `UNAUTHENTICATED` and `INVALID_REFRESH_TOKEN`.',
      values: describe(tokenErrorReasons),
    }),
  ]
}

function describe(codes: ErrorCodes) {
  return Object.fromEntries(
    Object.entries(codes).map(([name, { description }]) => [name, { description }]),
  )
}
