import { ApolloServer } from '@apollo/server'
import { GraphQLDateTime } from 'graphql-scalars'
import { GraphQLError, GraphQLScalarType, buildSchema, type GraphQLSchema } from 'graphql'
import { describe, expect, it } from 'vitest'
import { formatError } from '../../src/graphql/format-error.ts'
import { defaultLimits, limitsRule } from '../../src/graphql/limits.ts'

/** What must never come back, wherever a client puts it as a value. */
const secret = 'hunter2'

const schema = buildSchema(`
  scalar DateTime
  scalar Odd
  enum Color { RED GREEN }
  input Note { title: String!, tags: [String!], color: Color, at: DateTime, odd: Odd, next: Note }
  input Either @oneOf { a: String, b: Int }
  type Query {
    text(value: String!): String
    id(value: ID): String
    int(value: Int): String
    float(value: Float): String
    flag(value: Boolean): String
    color(value: Color): String
    list(value: [Int!]): String
    note(value: Note): String
    either(value: Either): String
    at(value: DateTime): String
    odd(value: Odd): String
    self: Query
  }
`)
replaceScalar(schema, 'DateTime', GraphQLDateTime)
// Scalars may word their errors as they like, and need not say where they are.
replaceScalar(
  schema,
  'Odd',
  new GraphQLScalarType({
    name: 'Odd',
    parseValue: (value) => {
      throw new Error(`I dislike ${String(value)}`)
    },
    parseLiteral: (node) => {
      const value = 'value' in node ? String(node.value) : node.kind
      throw value.includes('plain')
        ? new Error(`I dislike ${value}`)
        : new GraphQLError(`${value} is disliked`)
    },
  }),
)

describe('a message about a bad request', () => {
  const apollo = new ApolloServer({
    schema,
    formatError,
    parseOptions: { maxLexicalTokens: defaultLimits.tokens },
    validationRules: [limitsRule(defaultLimits)],
    validationOptions: { maxErrors: 5 },
    hideSchemaDetailsFromClientErrors: true,
    includeStacktraceInErrorResponses: false,
    nodeEnv: 'production',
  })
  const messages = async (
    query: string,
    variables?: Record<string, unknown>,
    operationName?: string,
  ) => {
    const { body } = await apollo.executeOperation({
      query,
      ...(variables && { variables }),
      ...(operationName && { operationName }),
    })
    if (body.kind !== 'single') throw new Error('Not a single result')
    const { errors = [] } = body.singleResult
    return {
      text: JSON.stringify(body.singleResult),
      first: `${String(errors[0]?.extensions?.['code'])}: ${errors[0]?.message}`,
    }
  }

  const parseErrors = [
    [`{ text(value: "${secret}) }`, 'Syntax Error: Unterminated string.'],
    [`{ text(value: """${secret}) }`, 'Syntax Error: Unterminated string.'],
    [`{ text(value: '${secret}') }`, 'Syntax Error: Unexpected character.'],
    [`{ text(value: "\\${secret}") }`, 'Syntax Error: Unexpected character.'],
    [`{ text(value: "\\u${secret}") }`, 'Syntax Error: Unexpected character.'],
    [`{ text(value: "\\u{${secret}}") }`, 'Syntax Error: Unexpected character.'],
    [`{ text(value: "${secret}\ud800") }`, 'Syntax Error: Unexpected character.'],
    [`{ text(value: "${secret}\n") }`, 'Syntax Error: Unterminated string.'],
    [`{ text(value: 0${secret}) }`, 'Syntax Error: Unexpected character.'],
    [`{ text(value: 1.${secret}) }`, 'Syntax Error: Unexpected character.'],
    [`{ text(value: 1${secret}) }`, 'Syntax Error: Unexpected character.'],
    [`{ text("${secret}") }`, 'Syntax Error: Expected Name, found String.'],
    [`{ text("""${secret}""") }`, 'Syntax Error: Expected Name, found BlockString.'],
    [`{ text(value: "x" "${secret}, \\"y") }`, 'Syntax Error: Expected Name, found String.'],
    [`{ text(value ${secret}) }`, 'Syntax Error: Expected ":", found Name.'],
    [`{ text(value: "a", ${secret}) }`, 'Syntax Error: Expected ":", found ")".'],
    [`{ text(value: 5 7) }`, 'Syntax Error: Expected Name, found Int.'],
    [`{ text(value: 5 7.5) }`, 'Syntax Error: Expected Name, found Float.'],
    [`{ text(value:: "${secret}") }`, 'Syntax Error: Unexpected ":".'],
    [`${secret} { text }`, 'Syntax Error: Unexpected Name.'],
    [`"${secret}" { text }`, 'Syntax Error: Unexpected character.'],
    [`query ($v: Int = $${secret}) { text }`, 'Syntax Error: Unexpected character.'],
    [`{ text(value: "${secret}")`, 'Syntax Error: Expected Name, found <EOF>.'],
    ['{ text(value: "x") } }', 'Syntax Error: Unexpected "}".'],
  ] as const
  it.each(parseErrors)('does not repeat the value: %s', async (query, message) => {
    const { first, text } = await messages(query)
    expect(first).toBe(`GRAPHQL_PARSE_FAILED: ${message}`)
    expect(text).not.toContain(secret)
  })

  const literals = [
    ['text', `["${secret}"]`, 'String cannot represent a non string value.'],
    ['text', `{ a: "${secret}" }`, 'String cannot represent a non string value.'],
    ['text', secret, 'String cannot represent a non string value.'],
    ['text', 'null', 'Expected value of type "String!".'],
    ['id', `{ a: "${secret}" }`, 'ID cannot represent a non-string and non-integer value.'],
    ['int', `"${secret}"`, 'Int cannot represent non-integer value.'],
    ['int', '99999999999', 'Int cannot represent non 32-bit signed integer value.'],
    ['float', `"${secret}"`, 'Float cannot represent non numeric value.'],
    ['flag', `"${secret}"`, 'Boolean cannot represent a non boolean value.'],
    ['color', `"${secret}"`, 'Enum "Color" cannot represent non-enum value.'],
    ['color', `{ a: ["${secret}"] }`, 'Enum "Color" cannot represent non-enum value.'],
    ['color', secret, 'The value does not exist in "Color" enum.'],
    ['list', `[1, "${secret}"]`, 'Int cannot represent non-integer value.'],
    ['note', `"${secret}"`, 'Expected value of type "Note".'],
    ['note', `{ color: RED }`, 'Field "Note.title" of required type "String!" was not provided.'],
    ['note', `{ title: ["${secret}"] }`, 'String cannot represent a non string value.'],
    [
      'note',
      `{ title: "a", tags: [{ a: "${secret}" }] }`,
      'String cannot represent a non string value.',
    ],
    ['note', '{ title: "a", nope: 1 }', 'Field "nope" is not defined by type "Note".'],
    [
      'either',
      `{ a: "${secret}", b: 1 }`,
      'OneOf Input Object "Either" must specify exactly one key.',
    ],
    ['either', '{ a: null }', 'Field "Either.a" must be non-null.'],
    ['at', `"${secret}"`, 'The value does not fit its type.'],
    ['at', `[5, "${secret}"]`, 'The value does not fit its type.'],
    ['odd', `"${secret}"`, 'The value does not fit its type.'],
    ['odd', `"plain ${secret}"`, 'Expected value of type "Odd".'],
    ['odd', `"plain \\"${secret}\\"; String cannot represent"`, 'Expected value of type "Odd".'],
  ] as const
  it.each(literals)('does not repeat the literal: %s(value: %s)', async (field, value, message) => {
    const { first, text } = await messages(`{ ${field}(value: ${value}) }`)
    expect(first).toBe(`GRAPHQL_VALIDATION_FAILED: ${message}`)
    expect(text).not.toContain(secret)
  })

  const variables = [
    ['text', 'String!', { a: secret }],
    ['text', 'String!', [secret]],
    ['text', 'String!', { toString: secret, [secret]: secret }],
    ['id', 'ID', { a: secret }],
    ['int', 'Int', secret],
    ['int', 'Int', `"; ${secret}`],
    ['float', 'Float', secret],
    ['flag', 'Boolean', secret],
    ['color', 'Color', secret],
    ['color', 'Color', [secret]],
    ['list', '[Int!]', [1, secret, null]],
    ['note', 'Note', secret],
    ['note', 'Note', { title: secret, [secret]: 1 }],
    ['note', 'Note', { title: 'a', next: { title: [secret] } }],
    ['either', 'Either', { a: secret, b: 1 }],
    ['at', 'DateTime', secret],
    ['odd', 'Odd', secret],
  ] as const
  it.each(variables)(
    'does not repeat the variable: %s(value: $v), $v: %s = %j',
    async (field, type, v) => {
      const { first, text } = await messages(`query ($v: ${type}) { ${field}(value: $v) }`, { v })
      expect(first).toBe(`BAD_USER_INPUT: Variable "$v" does not fit its type ${type}.`)
      expect(text).not.toContain(secret)
    },
  )

  it('does not repeat a literal that a variable makes bad', async () => {
    const { first, text } = await messages(
      `query ($v: String = "a") { note(value: { title: "${secret}", tags: ["${secret}", $v] }) }`,
      { v: null },
    )
    expect(first).toBe('BAD_USER_INPUT: Argument "value" has invalid value.')
    expect(text).not.toContain(secret)
  })

  it('still says what is missing, unknown, unused or of another type', async () => {
    const table = [
      [
        'query ($v: String!) { text(value: $v) }',
        'BAD_USER_INPUT: Variable "$v" of required type "String!" was not provided.',
      ],
      [
        'query ($v: String) { text(value: $v) }',
        'GRAPHQL_VALIDATION_FAILED: Variable "$v" of type "String" used in position expecting type "String!".',
      ],
      [
        'query ($v: String) { self { int } }',
        'GRAPHQL_VALIDATION_FAILED: Variable "$v" is never used.',
      ],
      ['query ($v: Nope) { int(value: $v) }', 'GRAPHQL_VALIDATION_FAILED: Unknown type "Nope".'],
      [
        '{ text }',
        'GRAPHQL_VALIDATION_FAILED: Field "text" argument "value" of type "String!" is required, but it was not provided.',
      ],
      [
        '{ int(valu: 1) }',
        'GRAPHQL_VALIDATION_FAILED: Unknown argument "valu" on field "Query.int".',
      ],
      ['{ inte }', 'GRAPHQL_VALIDATION_FAILED: Cannot query field "inte" on type "Query".'],
      [
        '{ self }',
        'GRAPHQL_VALIDATION_FAILED: Field "self" of type "Query" must have a selection of subfields.',
      ],
      [
        '{ int { a } }',
        'GRAPHQL_VALIDATION_FAILED: Field "int" must not have a selection since type "String" has no subfields.',
      ],
      ['{ int @skp(if: true) }', 'GRAPHQL_VALIDATION_FAILED: Unknown directive "@skp".'],
      [
        '{ ... on Color { int } }',
        'GRAPHQL_VALIDATION_FAILED: Fragment cannot condition on non composite type "Color".',
      ],
      [
        '{ ...a } fragment a on Query { ...a }',
        'GRAPHQL_VALIDATION_FAILED: Cannot spread fragment "a" within itself.',
      ],
      [
        '{ a: int a: float }',
        'GRAPHQL_VALIDATION_FAILED: Fields "a" conflict because "int" and "float" are different fields. Use different aliases on the fields to fetch both if this was intentional.',
      ],
      [
        'subscription { int }',
        'BAD_REQUEST: Schema is not configured to execute subscription operation.',
      ],
      [
        'query a { int } query b { int }',
        'OPERATION_RESOLUTION_FAILURE: Must provide operation name if query contains multiple operations.',
      ],
    ] as const
    for (const [query, expected] of table) {
      const { first, text } = await messages(query)
      expect(first).toBe(expected)
      expect(text).not.toContain('Did you mean')
    }
  })

  it('does not repeat the name of an operation that is not there', async () => {
    const { first, text } = await messages('query a { int }', undefined, secret)
    expect(first).toBe('OPERATION_RESOLUTION_FAILURE: Unknown operation of this name.')
    expect(text).not.toContain(secret)
  })

  it('is not an internal error, however many variables are bad', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `v${index}`)
    const { text } = await messages(
      `query (${names.map((name) => `$${name}: Int`).join(', ')}) {
        list(value: [${names.map((name) => `$${name}`).join(', ')}])
      }`,
      Object.fromEntries(names.map((name) => [name, secret])),
    )
    expect(text).not.toContain('INTERNAL_SERVER_ERROR')
    expect(text).not.toContain(secret)
  })
})

function replaceScalar(target: GraphQLSchema, name: string, scalar: GraphQLScalarType): void {
  Object.assign(target.getType(name)!, {
    serialize: scalar.serialize,
    parseValue: scalar.parseValue,
    parseLiteral: scalar.parseLiteral,
  })
}
