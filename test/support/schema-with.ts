import type { GraphQLSchema } from 'graphql'
import type { ResolverClass } from '../../src/feature.ts'
import { features } from '../../src/features.ts'
import { createSchema } from '../../src/schema.ts'

/** The schema of the server with the fields of a test. */
export function schemaWith(...resolvers: ResolverClass[]): GraphQLSchema {
  return createSchema([...features, { name: 'test', resolvers }])
}
