// The example operations in schema/operations, as the Sandbox and GraphiQL show them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kind, parse } from 'graphql'
import { describe, expect, it } from 'vitest'

const folder = join(import.meta.dirname, '../../schema/operations')
const files = readdirSync(folder).filter((file) => file.endsWith('.graphql'))
const read = (file: string) => readFileSync(join(folder, file), 'utf8')

describe('the example operations', () => {
  it('have an example of each variable that is not nullable', () => {
    const examples = JSON.parse(read('variables.json')) as object
    const missing = files
      .flatMap((file) => parse(read(file)).definitions)
      .flatMap((definition) =>
        definition.kind === Kind.OPERATION_DEFINITION ? (definition.variableDefinitions ?? []) : [],
      )
      // GraphiQL underlines them as missing even if they have a default.
      .filter(({ type }) => type.kind === Kind.NON_NULL_TYPE)
      .map(({ variable }) => variable.name.value)
      .filter((name) => !(name in examples))
    expect(missing).toEqual([])
  })

  it.each(files)('have comments in %s that fit into the editor of a small window', (file) => {
    const comments = read(file).match(/^#.*$/gm) ?? []
    expect(comments.filter((line) => line.length > 50)).toEqual([])
  })
})
