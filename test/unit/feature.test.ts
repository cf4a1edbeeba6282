import { describe, expect, it } from 'vitest'
import { databaseOptionsOf, errorCodesOf, type Feature } from '../../src/feature.ts'

class First {}
class Second {}
const migration = (name: string, type: new () => object) => ({ name, class: type as never })

describe('a list of features', () => {
  it('gives the migrations of each the name of its feature as a prefix', () => {
    const feature = (name: string, type: new () => object): Feature => ({
      name,
      migrations: { sqlite: [migration('0001-initial', type)], postgresql: [] },
    })
    const { migrations } = databaseOptionsOf([feature('notes', First), feature('tags', Second)])
    expect(migrations.sqlite.map(({ name }) => name)).toEqual([
      'notes/0001-initial',
      'tags/0001-initial',
    ])
    expect(migrations.postgresql).toEqual([])
  })

  it('is refused if two features have the same name', () => {
    expect(() => databaseOptionsOf([{ name: 'notes' }, { name: 'notes' }])).toThrow(
      'Two features have the name notes',
    )
  })

  it.each(['NOTE_LIMIT', 'FORBIDDEN'])(
    'is refused if an error code is declared a second time: %s',
    (code) => {
      const errorCodes = { [code]: { description: 'A code.' } }
      const features = [
        { name: 'notes', errorCodes },
        { name: 'tags', errorCodes },
      ]
      expect(() => errorCodesOf(features)).toThrow(`declares the error code ${code} a second time`)
    },
  )
})
