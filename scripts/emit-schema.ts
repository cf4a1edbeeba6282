/** Writes schema/schema.graphql: sorted, with directives and descriptions. */
import { writeFileSync } from 'node:fs'
import { printSchemaWithDirectives } from '@graphql-tools/utils'
import { lexicographicSortSchema } from 'graphql'
import { createSchema } from '../src/schema.ts'

const file = new URL('../schema/schema.graphql', import.meta.url)
writeFileSync(file, `${printSchemaWithDirectives(lexicographicSortSchema(createSchema()))}\n`)
