import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { applyMutation } from '../mutation/mutation.ts'
import { mutations } from '../mutation/mutations/index.ts'

const root = join(import.meta.dirname, '../..')

it.each(mutations)('the mutation "$name" applies to the source as it is', (mutation) => {
  const source = readFileSync(join(root, mutation.file), 'utf8')
  const mutated = applyMutation(mutation, source)
  expect(mutated).not.toBe(source)
  // A file that does not parse would fail every test.
  expect(() => stripTypeScriptTypes(mutated, { mode: 'transform' })).not.toThrow()
})

it.each([...new Set(mutations.flatMap(({ tests }) => tests))])(
  'the test file %s, which mutations name, exists',
  (path) => {
    expect(existsSync(join(root, path))).toBe(true)
  },
)

it('no two mutations have one name', () => {
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length)
})
