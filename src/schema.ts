/** The schema of a list of features. */
import type { GraphQLEnumType, GraphQLSchema } from 'graphql'
import type { NonEmptyArray } from 'type-graphql'
import { errorCodesOf, resolversOf, type Feature } from './feature.ts'
import { features as ours } from './features.ts'
import { authChecker } from './graphql/auth-checker.ts'
import { accessDirectives } from './graphql/authorized.ts'
import { enforceFreshness } from './graphql/freshness.ts'
import { buildExecutableSchema } from './graphql/schema.ts'

/** @throws Error if two features declare the same error code */
export function createSchema(features: readonly Feature[] = ours): GraphQLSchema {
  const schema = buildExecutableSchema({
    resolvers: resolversOf(features) as NonEmptyArray<never>,
    errorCodes: errorCodesOf(features),
    authChecker,
    directives: (typeNamed) => accessDirectives(typeNamed('Role') as GraphQLEnumType),
  })
  return enforceFreshness(schema)
}
