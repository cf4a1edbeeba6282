// ASVS 8.2: who may read which field. The first test fails, and names the field, if one has no row below.
import { randomUUID } from 'node:crypto'
import {
  getNamedType,
  isObjectType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
} from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSchema } from '../../src/schema.ts'
import type { Tokens } from '../support/client.ts'
import { longAgo } from '../support/proof.ts'
import { startServer, type TestServer } from '../support/server.ts'

const signedInOnly = {
  anonymous: 'UNAUTHENTICATED TOKEN_MISSING',
  forged: 'UNAUTHENTICATED TOKEN_INVALID',
  expired: 'UNAUTHENTICATED TOKEN_EXPIRED',
  ended: 'UNAUTHENTICATED SESSION_ENDED',
  disabled: 'UNAUTHENTICATED ACCOUNT_DISABLED',
  elsewhere: 'UNAUTHENTICATED WRONG_AUDIENCE',
  longAgo: 'allowed',
  user: 'allowed',
  admin: 'allowed',
}
/** The same, if they have proved a moment ago who they are. */
const provenOnly = { ...signedInOnly, longAgo: 'REAUTHENTICATION_REQUIRED' }
type Actor = keyof typeof signedInOnly
const actors = Object.keys(signedInOnly) as Actor[]
const everybody = Object.fromEntries(actors.map((actor) => [actor, 'allowed']))

/** What each field asks of anyone who reads it, beside what the field above it asks. */
const access: Record<string, Record<string, string>> = {
  'Query.me': signedInOnly,
  'Query.protected': signedInOnly,
  'Query.providers': everybody,
  'Query.providerToken': provenOnly,
  'Mutation.register': everybody,
  'Mutation.login': everybody,
  'Mutation.refreshToken': everybody,
  'Mutation.logout': everybody,
  'Mutation.revokeSession': signedInOnly,
  'Mutation.changePassword': signedInOnly,
  'Mutation.beginProviderLogin': everybody,
  'Mutation.loginWithProvider': everybody,
  'Mutation.linkProvider': provenOnly,
  'Mutation.unlinkProvider': provenOnly,
  'Mutation.reauthenticate': signedInOnly,
  'Mutation.reauthenticateWithProvider': signedInOnly,
  'Mutation.narrowAccessToken': signedInOnly,
  'NarrowedToken.accessToken': everybody,
  'NarrowedToken.tokenType': everybody,
  'NarrowedToken.expiresIn': everybody,
  'NarrowedToken.audiences': everybody,
  'Mutation.updateProfile': signedInOnly,
  'AuthPayload.accessToken': everybody,
  'AuthPayload.tokenType': everybody,
  'AuthPayload.expiresIn': everybody,
  'AuthPayload.refreshToken': everybody,
  'AuthPayload.refreshExpiresIn': everybody,
  'AuthPayload.user': everybody,
  'User.id': everybody,
  'User.email': everybody,
  'User.emailVerified': everybody,
  'User.name': everybody,
  'User.roles': everybody,
  'User.hasPassword': everybody,
  'User.passwordExpiresAt': everybody,
  'User.identities': everybody,
  'User.sessions': everybody,
  'User.createdAt': everybody,
  'User.events': everybody,
  'EventConnection.edges': everybody,
  'EventConnection.pageInfo': everybody,
  'EventEdge.cursor': everybody,
  'EventEdge.node': everybody,
  'PageInfo.hasNextPage': everybody,
  'PageInfo.hasPreviousPage': everybody,
  'PageInfo.startCursor': everybody,
  'PageInfo.endCursor': everybody,
  'Event.id': everybody,
  'Event.type': everybody,
  'Event.occurredAt': everybody,
  'Event.outcome': everybody,
  'Event.actor': everybody,
  'Event.reason': everybody,
  'Event.method': everybody,
  'Event.role': everybody,
  'Event.sessionId': everybody,
  'Event.sessionsEnded': everybody,
  'Event.ip': everybody,
  'Event.userAgent': everybody,
  'Identity.provider': everybody,
  'Identity.email': everybody,
  'Identity.linkedAt': everybody,
  'Session.id': everybody,
  'Session.createdAt': everybody,
  'Session.lastUsedAt': everybody,
  'Session.expiresAt': everybody,
  'Session.userAgent': everybody,
  'Session.ip': everybody,
  'Session.method': everybody,
  'Session.current': everybody,
  'Provider.id': everybody,
  'Provider.name': everybody,
  'ProviderFlow.authorizationUrl': everybody,
  'ProviderFlow.flowToken': everybody,
  'ProviderFlow.expiresAt': everybody,
  'ProviderToken.accessToken': everybody,
  'ProviderToken.expiresAt': everybody,
  'ProviderToken.scopes': everybody,
}

const audience = 'https://notes.example.com'
const providerAnswer = 'provider: "google", code: "any", state: "any", flowToken: "any"'

/** How each root field is called; what it names belongs to a bystander, never to who asks. */
const calls: Record<string, (bystander: Bystander) => string> = {
  'Query.me': () => 'me',
  'Query.protected': () => 'protected',
  'Query.providers': () => 'providers',
  'Mutation.register': ({ unused }) =>
    `register(email: "${unused}", password: "correct horse battery")`,
  'Mutation.login': ({ email, password }) => `login(email: "${email}", password: "${password}")`,
  'Mutation.refreshToken': ({ refreshToken }) => `refreshToken(refreshToken: "${refreshToken}")`,
  'Mutation.logout': () => 'logout',
  'Mutation.revokeSession': () => 'revokeSession(id: "AAAAAAAAAAAAAAAAAAAAAA")',
  'Mutation.changePassword': () =>
    'changePassword(currentPassword: "correct horse battery", newPassword: "correct horse battery")',
  'Mutation.beginProviderLogin': () =>
    'beginProviderLogin(provider: "google", redirectUri: "https://app.example.com/callback")',
  'Mutation.loginWithProvider': () => `loginWithProvider(${providerAnswer})`,
  'Mutation.reauthenticate': () => 'reauthenticate(password: "correct horse battery")',
  'Mutation.reauthenticateWithProvider': () => `reauthenticateWithProvider(${providerAnswer})`,
  'Mutation.narrowAccessToken': () => `narrowAccessToken(audiences: ["${audience}"])`,
  'Mutation.linkProvider': () => `linkProvider(${providerAnswer})`,
  'Mutation.unlinkProvider': () => 'unlinkProvider(provider: "google")',
  'Mutation.updateProfile': () => 'updateProfile',
  'Query.providerToken': () => 'providerToken(provider: "google")',
}
type Bystander = Tokens & { email: string; password: string; unused: string }

const schema = createSchema()
const roots = [schema.getQueryType()!, schema.getMutationType()!]

interface GuardedField {
  readonly key: string
  readonly isGuarded: boolean
  readonly isFresh: boolean
}

/** `Query.me`, and which guards the schema shows on it. */
function* fieldsOf(type: GraphQLObjectType): Generator<GuardedField> {
  for (const [name, field] of Object.entries(type.getFields())) {
    const guards = [...(field.astNode?.directives ?? []), ...(type.astNode?.directives ?? [])]
    yield {
      key: `${type.name}.${name}`,
      isGuarded: guards.some((guard) =>
        ['authenticated', 'requiresRole'].includes(guard.name.value),
      ),
      isFresh: guards.some((guard) => guard.name.value === 'requiresFresh'),
    }
  }
}

/** What is left out of an operation: all at once would cost more than one may. */
const parts = [['User.events'], ['User.identities', 'User.sessions']]

/** Without the fields that have no row: the first test names them, and no other test trips over them. */
function fieldsBut(type: GraphQLObjectType, leftOut: string[]): GraphQLField<unknown, unknown>[] {
  return Object.values(type.getFields()).filter((field) => {
    const key = `${type.name}.${field.name}`
    const below = getNamedType(field.type)
    const isSelectable = !isObjectType(below) || fieldsBut(below, leftOut).length > 0
    return Object.hasOwn(access, key) && !leftOut.includes(key) && isSelectable
  })
}

/** The root fields that can be tried: those with a row and a call. */
function callableFields(root: GraphQLObjectType) {
  return fieldsBut(root, []).filter(({ name }) => Object.hasOwn(calls, `${root.name}.${name}`))
}

/** What one list of names lacks of another. */
function missing(expected: string[], actual: string[]): string[] {
  return expected.filter((key) => !actual.includes(key)).toSorted()
}

/** All there is to select of a type, but for what is left out. */
function selectionOf(type: GraphQLNamedType, leftOut: string[]): string {
  if (!isObjectType(type)) return ''
  const fields = fieldsBut(type, leftOut)
  return `{ ${fields.map(({ name, type: below }) => `${name} ${selectionOf(getNamedType(below), leftOut)}`).join(' ')} }`
}

/** The keys of a type's fields and of all below, but for what is left out. */
function keysBelow(type: GraphQLNamedType, leftOut: string[]): string[] {
  if (!isObjectType(type)) return []
  return fieldsBut(type, leftOut).flatMap((field) => [
    `${type.name}.${field.name}`,
    ...keysBelow(getNamedType(field.type), leftOut),
  ])
}

/** The key of the field that an error's path leads to. */
function keyOf(root: GraphQLObjectType, path: readonly (string | number)[]): string {
  let key = ''
  let type: GraphQLNamedType = root
  for (const name of path) {
    if (typeof name === 'number' || !isObjectType(type)) continue
    key = `${type.name}.${name}`
    type = getNamedType(type.getFields()[name]!.type)
  }
  return key
}

describe('access', () => {
  let server: TestServer
  let count = 0
  beforeAll(async () => (server = await startServer({ TOKEN_AUDIENCE: audience })))
  afterAll(() => server.close())

  const newBystander = async (): Promise<Bystander> => ({
    ...(await server.client.register()),
    unused: `unused${++count}@example.com`,
  })

  /** A new user in the state that is asked for, so that no operation disturbs the next. */
  async function tokenOf(actor: Actor, brief: TestServer): Promise<string | undefined> {
    if (actor === 'anonymous') return undefined
    const { client } = actor === 'expired' ? brief : server
    const registered = await client.register()
    const { accessToken, user } = registered
    if (actor === 'forged') return accessToken.replace(/\.[^.]+\./, '.e30.')
    await server.database.query(
      'insert into identities (id, user_id, provider, subject, email, linked_at) values (?, ?, ?, ?, null, 1)',
      [randomUUID(), user.id, 'google', user.id],
    )
    if (actor === 'expired') server.advance(2)
    if (actor === 'longAgo') return (await longAgo(server, registered)).accessToken
    if (actor === 'elsewhere') {
      const answer = await client
        .as(accessToken)
        .send(`mutation { narrowAccessToken(audiences: ["${audience}"]) { accessToken } }`)
      return answer.data.narrowAccessToken.accessToken
    }
    if (actor === 'ended') await client.as(accessToken).send('mutation { logout }')
    if (actor === 'disabled') {
      await server.database.query('update users set disabled_at = 1 where id = ?', [user.id])
    }
    if (actor === 'admin') {
      await server.database.query('update users set roles = ? where id = ?', [
        '["USER","ADMIN"]',
        user.id,
      ])
    }
    return accessToken
  }

  it('is decided for every field of the schema, and shown there', () => {
    const types = Object.values(schema.getTypeMap()).filter(
      (type) => isObjectType(type) && !type.name.startsWith('__'),
    ) as GraphQLObjectType[]
    const fields = types.flatMap((type) => Array.from(fieldsOf(type)))
    const keys = fields.map(({ key }) => key)
    const rootKeys = roots.flatMap((type) => Array.from(fieldsOf(type), ({ key }) => key))
    expect({
      'fields without a row in `access`': missing(keys, Object.keys(access)),
      'rows in `access` without a field': missing(Object.keys(access), keys),
      'root fields without a call in `calls`': missing(rootKeys, Object.keys(calls)),
      'calls in `calls` without a root field': missing(Object.keys(calls), rootKeys),
      'fields whose guard in the schema differs from their row': fields
        .filter(({ key, isGuarded }) => access[key] && isGuarded !== (access[key] !== everybody))
        .map(({ key }) => key),
      'fields whose need of a recent proof differs from their row': fields
        .filter(({ key, isFresh }) => access[key] && isFresh !== (access[key] === provenOnly))
        .map(({ key }) => key),
    }).toEqual({
      'fields without a row in `access`': [],
      'rows in `access` without a field': [],
      'root fields without a call in `calls`': [],
      'calls in `calls` without a root field': [],
      'fields whose guard in the schema differs from their row': [],
      'fields whose need of a recent proof differs from their row': [],
    })
  })

  const cases = actors.flatMap((actor) => parts.map((leftOut) => ({ actor, leftOut })))
  it.each(cases)('is what the table says for $actor, without $leftOut', async (each) => {
    const { actor, leftOut } = each
    const brief = await server.sibling({ ACCESS_TOKEN_LIFETIME: '1s' })
    for (const root of roots) {
      for (const field of callableFields(root)) {
        const key = `${root.name}.${field.name}`
        const type = getNamedType(field.type)
        const denied = [key, ...keysBelow(type, leftOut)].filter(
          (below) => access[below]![actor] !== 'allowed',
        )
        const token = await tokenOf(actor, brief)
        const answer = await server.client.send(
          `${root.name.toLowerCase()} { ${calls[key]!(await newBystander())} ${selectionOf(type, leftOut)} }`,
          undefined,
          token === undefined ? {} : { authorization: `Bearer ${token}` },
        )
        // No provider is configured here: what gets as far as asking for one was let in.
        const errors = (answer.errors ?? []).filter(
          ({ extensions }) => extensions.code !== 'UNKNOWN_PROVIDER',
        )
        const actual = errors.map(({ extensions, path }) => [
          keyOf(root, path!),
          [extensions.code, extensions.reason].filter(Boolean).join(' '),
        ])
        // Below what is denied nothing is asked.
        const first = denied.includes(key) ? [key] : denied
        expect(Object.fromEntries(actual)).toEqual(
          Object.fromEntries(first.map((denial) => [denial, access[denial]![actor]])),
        )
        const why = denied.length === 0 ? 'allowed' : access[first[0]!]![actor]!
        expect(answer.status).toBe({ allowed: 200, FORBIDDEN: 403 }[why] ?? 401)
        expect(answer.data === null).toBe(answer.errors !== undefined)
      }
    }
  })

  it('to sessions of others by scope is for who is signed in', async () => {
    const brief = await server.sibling({ ACCESS_TOKEN_LIFETIME: '1s' })
    for (const scope of ['OTHERS', 'ALL']) {
      for (const actor of actors) {
        const token = await tokenOf(actor, brief)
        const answer = await server.client.send(
          `mutation { logout(scope: ${scope}) }`,
          undefined,
          token === undefined ? {} : { authorization: `Bearer ${token}` },
        )
        expect(answer.errors ? `${answer.code} ${answer.reason}` : 'allowed').toBe(
          signedInOnly[actor],
        )
      }
    }
  })
})
