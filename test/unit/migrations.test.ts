// What a migration that was forgotten in one place would do only on the other machine.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { migrations as postgresql } from '../../src/database/migrations/postgresql/index.ts'
import { migrations as sqlite } from '../../src/database/migrations/sqlite/index.ts'

const folder = join(import.meta.dirname, '../../src/database/migrations')

describe.each([
  ['sqlite', sqlite],
  ['postgresql', postgresql],
])('the migrations of %s', (engine, list) => {
  it('are all of its folder, in their order', () => {
    const files = readdirSync(join(folder, engine)).filter((name) => name !== 'index.ts')
    const names = list.map(
      (migration) => new migration(undefined as never, undefined as never).name,
    )
    expect(names).toEqual(files.toSorted().map((name) => name.replace(/\.ts$/, '')))
  })
})

describe('the engines', () => {
  it('have the same migrations', () => {
    expect(readdirSync(join(folder, 'postgresql'))).toEqual(readdirSync(join(folder, 'sqlite')))
  })
})
