import {
  buildSchema,
  getIntrospectionQuery,
  parse,
  validate,
  type GraphQLObjectType,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { limitsRule, type Limits } from '../../src/graphql/limits.ts'

const schema = buildSchema(`
  interface Named { name: String }
  type Person implements Named { name: String, friend: Person, friends: [Person!]!, pets: [Pet] }
  type Pet implements Named { name: String }
  union Being = Person | Pet
  type Query { me: Person, costly(for: String): Person, named: [Named!], being: Being }
`)
const { costly } = (schema.getQueryType() as GraphQLObjectType).getFields()
costly!.extensions = { complexity: 50 }

const unlimited: Limits = {
  tokens: Infinity,
  depth: Infinity,
  aliases: Infinity,
  directives: Infinity,
  cost: Infinity,
}

function refusal(document: string, limits: Partial<Limits>): string | undefined {
  return validate(schema, parse(document), [limitsRule({ ...unlimited, ...limits })])[0]?.message
}

describe('the measure of an operation', () => {
  const measured: [keyof Limits, number, string][] = [
    ['depth', 1, '{ __typename me }'],
    ['depth', 3, '{ me { friend { name } } }'],
    [
      'depth',
      3,
      '{ ... { me { ... on Named { ...F } } } } fragment F on Person { friend { name } }',
    ],
    ['depth', 4, 'query a { me } query b { me { friend { friend { name } } } }'],
    ['aliases', 3, '{ a: me { b: name } c: __typename }'],
    [
      'aliases',
      4,
      '{ me { ...F } me { ...F } } fragment F on Person { a: name b: friend { name } }',
    ],
    ['aliases', 2, '{ __schema { a: types { b: name } } }'],
    ['aliases', 2 ** 25, bomb(25, 'a: __typename')],
    ['directives', 2, '{ me @skip(if: false) { name @skip(if: false) } }'],
    ['directives', 4, 'query @a { ... @a { ...F @a } } fragment F on Query @a { __typename }'],
    ['directives', 1, '{ __schema { types @skip(if: true) { name } } }'],
    ['cost', 1, '{ me }'],
    ['cost', 3, '{ me { name friend } }'],
    ['cost', 51, '{ costly { name } }'],
    ['cost', 102, '{ a: costly { name } b: costly { name } }'],
    ['cost', 12, '{ me { friends { name } } }'],
    ['cost', 112, '{ me { friends { friends { name } } } }'],
    ['cost', 12, '{ me { pets { ... on Pet { name } } } }'],
    ['cost', 11, '{ named { name } }'],
    ['cost', 3, '{ being { ... on Person { friend { name } } } }'],
    ['cost', 2 ** 25, bomb(25, 'me')],
  ]
  it.each(measured)('%s: %i, one less is too little for %s', (name, value, document) => {
    expect(refusal(document, { [name]: value })).toBeUndefined()
    expect(refusal(document, { [name]: value - 1 })).toBe(
      `The operation exceeds the limit on ${name} (${value - 1}).`,
    )
  })

  // CVE-2025-32033: a counter that overflowed let through what it should have refused.
  it('does not overflow, however often fragments double', () => {
    for (const doublings of [31, 32, 53, 64, 200, 2000]) {
      expect(refusal(bomb(doublings, 'a: me'), { cost: 1e6 })).toContain('cost')
      expect(refusal(bomb(doublings, 'a: me'), { aliases: 1e6 })).toContain('aliases')
    }
  })

  it('ends where fragments go round in circles', () => {
    const circles = [
      '{ ...A } fragment A on Query { ...A me }',
      '{ ...A } fragment A on Query { ...B me } fragment B on Query { ...C } fragment C on Query { ...A }',
      '{ me { ...A } } fragment A on Person { friend { ...A ...A } }',
    ]
    for (const document of circles) expect(refusal(document, {})).toBeUndefined()
  })

  it('counts what the schema does not know as one', () => {
    expect(refusal('{ nope { nor { this } } ...Missing }', { cost: 3 })).toBeUndefined()
    expect(refusal('{ nope { nor { this } } ...Missing }', { cost: 2 })).toContain('cost')
  })

  it('lets the introspection query of tools through', () => {
    expect(refusal(getIntrospectionQuery(), { depth: 1, cost: 1, aliases: 0 })).toBeUndefined()
  })
})

/** Fragments each spreading the next twice: `2 ** doublings` times the selection. */
function bomb(doublings: number, selection: string): string {
  const fragments = Array.from(
    { length: doublings },
    (_, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`,
  )
  return `{ ...F0 } ${fragments.join(' ')} fragment F${doublings} on Query { ${selection} }`
}
