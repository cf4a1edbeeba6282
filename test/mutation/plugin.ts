/** Replaces the text of one mutation while Vitest loads the source, so no file changes on disk. */
import { appendFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Plugin } from 'vitest/config'
import { applyMutation } from './mutation.ts'
import { mutations } from './mutations/index.ts'

/** The name of the mutation to apply. */
export const mutationVariable = 'LATCHKEY_MUTATION'
/** A file that gets a line each time the mutation is applied. */
export const appliedVariable = 'LATCHKEY_MUTATION_APPLIED'

const root = join(import.meta.dirname, '../..')

export function mutationPlugin(): Plugin {
  const name = process.env[mutationVariable]
  const mutation = mutations.find((candidate) => candidate.name === name)
  if (!mutation) throw new Error(`No mutation is named "${name}"`)
  const isMutated = (id: string) => relative(root, id.split('?')[0]!) === mutation.file
  return {
    name: 'mutation',
    enforce: 'pre',
    configureVitest({ defineCacheKeyGenerator }) {
      // The cache of modules keeps all but the mutated one.
      defineCacheKeyGenerator(({ id }) => (isMutated(id) ? false : undefined))
    },
    transform(code, id) {
      if (!isMutated(id)) return undefined
      const applied = process.env[appliedVariable]
      if (applied !== undefined) appendFileSync(applied, `${id}\n`)
      return { code: applyMutation(mutation, code), map: null }
    },
  }
}
