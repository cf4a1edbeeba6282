/** The schema as schema/schema.graphql has it: sorted, with directives and descriptions. */
import { printSchemaWithDirectives } from '@graphql-tools/utils'
import { lexicographicSortSchema, type GraphQLSchema } from 'graphql'

export function printSchema(schema: GraphQLSchema): string {
  return `${printSchemaWithDirectives(lexicographicSortSchema(schema))}\n`
}
