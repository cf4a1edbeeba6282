/** Writes schema/schema.graphql. */
import { writeFileSync } from 'node:fs'
import { createSchema } from '../src/schema.ts'
import { printSchema } from './print-schema.ts'

writeFileSync(new URL('../schema/schema.graphql', import.meta.url), printSchema(createSchema()))
