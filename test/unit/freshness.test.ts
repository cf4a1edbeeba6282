import { buildSchema, graphql } from 'graphql'
import { describe, expect, it } from 'vitest'
import type { Context } from '../../src/context.ts'
import { AppError } from '../../src/core/errors.ts'
import { enforceFreshness, requireFresh } from '../../src/graphql/freshness.ts'

const now = Date.parse('2026-03-01T12:00:00Z')

describe('a proof', () => {
  const demand = (ageMilliseconds: number, maxAgeSeconds = 300) =>
    requireFresh({ authenticatedAt: now - ageMilliseconds }, maxAgeSeconds, now, async () => [
      'password',
    ])

  it.each([
    ['as old as the maximum age', 300_000],
    ['of this moment', 0],
    ['a minute in the future, on the clock of another instance', -60_000],
  ])('is accepted if it is %s', async (_what, age) => {
    await expect(demand(age)).resolves.toBeUndefined()
  })

  it.each([
    ['a millisecond older than the maximum age', 300_001],
    ['further in the future than a minute', -60_001],
    ['of no time at all', Number.NaN],
  ])('is refused if it is %s', async (_what, age) => {
    await expect(demand(age)).rejects.toThrow(AppError)
  })

  it('is demanded with the maximum age of the field and the ways to give it', async () => {
    await expect(demand(3_600_001, 3600)).rejects.toMatchObject({
      extensions: { maxAge: 3600, methods: ['password'] },
    })
  })
})

describe('the maximum age of a field', () => {
  /** What the field of a user who is signed in demands, in seconds. */
  const demandedBy = async (field: string, ofInterface = 'value: String') => {
    const schema = buildSchema(
      `directive @requiresFresh(maxAge: Int!) on FIELD_DEFINITION
       interface Above { ${ofInterface} }
       type Query implements Above { ${field} }`,
      // So that a maximum age may be unreadable.
      { assumeValid: true },
    )
    const demanded: number[] = []
    const context = {
      viewer: { isAuthenticated: true, user: { roles: [] } },
      requireFresh: async (maxAge: number) => void demanded.push(maxAge),
    } as unknown as Context
    await graphql({
      schema: enforceFreshness(schema),
      source: '{ value }',
      rootValue: { value: 'secret' },
      contextValue: context,
    })
    return demanded
  }

  it('is that of the interface if only the interface has one', async () => {
    expect(await demandedBy('value: String', 'value: String @requiresFresh(maxAge: 60)')).toEqual([
      60,
    ])
  })

  it('is the shortest that the type and its interfaces declare', async () => {
    const declared = (maxAge: number) => `value: String @requiresFresh(maxAge: ${maxAge})`
    expect(await demandedBy(declared(60), declared(3600))).toEqual([60])
    expect(await demandedBy(declared(3600), declared(60))).toEqual([60])
  })

  it('denies access if it is unreadable', async () => {
    for (const unreadable of ['"5m"', '1.5', '99999999999', 'null']) {
      expect(await demandedBy(`value: String @requiresFresh(maxAge: ${unreadable})`)).toEqual([
        Number.NaN,
      ])
    }
    await expect(
      requireFresh({ authenticatedAt: now }, Number.NaN, now, async () => []),
    ).rejects.toThrow(AppError)
  })

  it('is not demanded of a field that declares none', async () => {
    expect(await demandedBy('value: String')).toEqual([])
  })
})
