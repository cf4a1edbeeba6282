// The schema is the API's contract and its documentation.
import { readFileSync } from 'node:fs'
import {
  type GraphQLEnumType,
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  isSpecifiedDirective,
  validateSchema,
  type GraphQLField,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { ErrorCode, TokenErrorReason } from '../../src/core/errors.ts'
import { errorCodesOf } from '../../src/feature.ts'
import { features } from '../../src/features.ts'
import { printSchema } from '../../scripts/print-schema.ts'
import { createSchema } from '../../src/schema.ts'

const schema = createSchema()
const committed = readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8')

/** Other users's clients are written against these: they may gain neighbours, never change. */
const promised = {
  Query: {
    me: 'User!',
    protected: 'String!',
    providers: '[Provider!]!',
  },
  Mutation: {
    register:
      '(email: String!, password: String!, name: String, transport: TokenTransport! = BODY): AuthPayload!',
    login: '(email: String!, password: String!, transport: TokenTransport! = BODY): AuthPayload!',
    refreshToken: '(refreshToken: String): AuthPayload!',
    logout: '(scope: LogoutScope! = THIS, refreshToken: String): Boolean!',
    revokeSession: '(id: ID!): Boolean!',
    changePassword: '(currentPassword: String, newPassword: String!): AuthPayload!',
  },
  AuthPayload: {
    accessToken: 'String!',
    tokenType: 'String!',
    expiresIn: 'Int!',
    refreshToken: 'String',
    refreshExpiresIn: 'Int!',
    user: 'User!',
  },
  User: {
    id: 'ID!',
    email: 'String',
    emailVerified: 'Boolean!',
    name: 'String',
    roles: '[Role!]!',
    hasPassword: 'Boolean!',
    passwordExpiresAt: 'DateTime',
    identities: '[Identity!]!',
    sessions: '[Session!]!',
    createdAt: 'DateTime!',
  },
  Identity: { provider: 'String!', email: 'String', linkedAt: 'DateTime!' },
  Session: {
    id: 'ID!',
    createdAt: 'DateTime!',
    lastUsedAt: 'DateTime!',
    expiresAt: 'DateTime!',
    userAgent: 'String',
    ip: 'String',
    method: 'String!',
    current: 'Boolean!',
  },
  Provider: { id: 'ID!', name: 'String!' },
}

const promisedEnums = {
  TokenTransport: ['BODY', 'COOKIE'],
  Role: ['ADMIN', 'USER'],
  LogoutScope: ['ALL', 'OTHERS', 'THIS'],
  ErrorCode: [
    'BAD_USER_INPUT',
    'EMAIL_TAKEN',
    'FORBIDDEN',
    'INTERNAL_SERVER_ERROR',
    'INVALID_CREDENTIALS',
    'INVALID_FLOW',
    'INVALID_REFRESH_TOKEN',
    'LAST_CREDENTIAL',
    'LINK_REQUIRED',
    'PAYLOAD_TOO_LARGE',
    'PROVIDER_ERROR',
    'QUERY_TOO_COMPLEX',
    'RATE_LIMITED',
    'REAUTHENTICATION_REQUIRED',
    'REFRESH_TOKEN_REUSED',
    'UNAUTHENTICATED',
    'UNKNOWN_PROVIDER',
  ],
  TokenErrorReason: [
    'ACCOUNT_DISABLED',
    'SESSION_ENDED',
    'TOKEN_EXPIRED',
    'TOKEN_INVALID',
    'TOKEN_MISSING',
    'WRONG_AUDIENCE',
  ],
}

/** As SDL, its arguments by name, since their order has no meaning. */
function signature(field: GraphQLField<unknown, unknown>): string {
  const args = field.args.map(
    ({ name, type, defaultValue }) =>
      `${name}: ${String(type)}${defaultValue === undefined ? '' : ` = ${defaultValue as string}`}`,
  )
  return `${args.length > 0 ? `(${args.toSorted().join(', ')}): ` : ''}${String(field.type)}`
}

function sorted(text: string): string {
  return text.replace(
    /\((.*)\)/,
    (_, args: string) => `(${args.split(', ').toSorted().join(', ')})`,
  )
}

describe('the schema', () => {
  it('is what schema/schema.graphql says', () => {
    expect(committed).toBe(printSchema(schema))
    expect(validateSchema(buildSchema(committed))).toEqual([])
  })

  it.each(Object.entries(promised))('keeps its promises: %s', (name, fields) => {
    const type = schema.getType(name)
    if (!isObjectType(type)) throw new Error(`${name} is gone`)
    const actual = Object.fromEntries(
      Object.entries(type.getFields()).map(([key, field]) => [key, signature(field)]),
    )
    expect(actual).toMatchObject(
      Object.fromEntries(Object.entries(fields).map(([key, text]) => [key, sorted(text)])),
    )
  })

  it.each(Object.entries(promisedEnums))('keeps its promises: %s', (name, values) => {
    const type = schema.getType(name) as GraphQLEnumType
    expect(
      type
        .getValues()
        .map((value) => value.name)
        .toSorted(),
    ).toEqual(values)
  })

  it('publishes the codes and reasons that the server uses', () => {
    const codes = [...Object.keys(ErrorCode), ...Object.keys(errorCodesOf(features))]
    expect(codes.toSorted()).toEqual(promisedEnums.ErrorCode)
    expect(Object.keys(TokenErrorReason).toSorted()).toEqual(promisedEnums.TokenErrorReason)
  })

  it('describes every type, field, argument, value and directive', () => {
    const silent: string[] = []
    const see = (path: string, described: { description?: string | null | undefined }) => {
      if (!/^[A-Z1-9`](.|\n)*[.:]$/.test(described.description ?? '')) silent.push(path)
    }
    for (const type of Object.values(schema.getTypeMap())) {
      if (type.name.startsWith('__') || isSpecifiedScalarType(type)) continue
      if (!['Query', 'Mutation'].includes(type.name)) see(type.name, type)
      if (isEnumType(type)) {
        for (const value of type.getValues()) see(`${type.name}.${value.name}`, value)
      }
      if (isObjectType(type) || isInterfaceType(type)) {
        for (const field of Object.values(type.getFields())) {
          see(`${type.name}.${field.name}`, field)
          for (const arg of field.args) see(`${type.name}.${field.name}(${arg.name})`, arg)
        }
      }
      if (isInputObjectType(type)) {
        for (const field of Object.values(type.getFields()))
          see(`${type.name}.${field.name}`, field)
      }
    }
    for (const directive of schema.getDirectives()) {
      if (isSpecifiedDirective(directive)) continue
      see(`@${directive.name}`, directive)
      for (const arg of directive.args) see(`@${directive.name}(${arg.name})`, arg)
    }
    expect(silent).toEqual([])
  })
})
