/** Decides what `@Fresh` asks: whether the user proved recently enough who they are. */
import {
  defaultFieldResolver,
  isObjectType,
  GraphQLInt,
  Kind,
  valueFromAST,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'
import type { Context } from '../context.ts'
import { AppError, ErrorCode } from '../core/errors.ts'
import { clockLeewayMilliseconds } from '../core/tokens/clock-leeway.ts'
import { requireRole } from './auth-checker.ts'
import type { Role } from '../core/users/role.ts'
import type { Authenticated } from '../core/sessions/viewer.ts'

/** The maximum age of a proof for fields that change how an account is signed in to, or return its secrets. */
export const recentProofSeconds = 300

/**
 * @param methods reads how the user can prove who they are
 * @throws AppError REAUTHENTICATION_REQUIRED
 */
export async function requireFresh(
  { authenticatedAt }: Pick<Authenticated, 'authenticatedAt'>,
  maxAgeSeconds: number,
  now: number,
  methods: () => Promise<string[]>,
): Promise<void> {
  const age = now - authenticatedAt
  // A proof that is dated further in the future than another clock can be is rejected.
  if (age >= -clockLeewayMilliseconds && age <= maxAgeSeconds * 1000) return
  throw new AppError(
    ErrorCode.REAUTHENTICATION_REQUIRED,
    'Confirm your identity again: the last confirmation is too old.',
    { maxAge: maxAgeSeconds, methods: await methods() },
  )
}

/**
 * Enforces `@requiresFresh` on every field that has it in the schema. Not a middleware of type-graphql, which
 * skips middleware for fields with `simple: true`.
 */
export function enforceFreshness(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const maxAges = declarationsOf(type, field).flatMap(maxAgesOf)
      if (maxAges.length === 0) continue
      const roles = declarationsOf(type, field).flatMap(rolesOf)
      field.resolve = guarded(field.resolve ?? defaultFieldResolver, Math.min(...maxAges), roles)
    }
  }
  return schema
}

type Resolve = GraphQLFieldResolver<unknown, Context>

function guarded(resolve: Resolve, maxAgeSeconds: number, roles: Role[]): Resolve {
  return async (root, args, context, info) => {
    // Roles first: a user without the role should not be asked for a proof that would not help.
    requireRole(context.viewer, roles)
    await context.requireFresh(maxAgeSeconds)
    return resolve(root, args, context, info)
  }
}

/** The field as its type declares it, and as the interfaces of the type do. */
function declarationsOf(
  type: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
): GraphQLField<unknown, unknown>[] {
  const inherited = type.getInterfaces().map((above) => above.getFields()[field.name])
  return [field, ...inherited.filter((above) => above !== undefined)]
}

function directivesOf({ astNode }: GraphQLField<unknown, unknown>, name: string) {
  return (astNode?.directives ?? []).filter((directive) => directive.name.value === name)
}

function maxAgesOf(field: GraphQLField<unknown, unknown>): number[] {
  return directivesOf(field, 'requiresFresh').map(({ arguments: given }) => {
    const maxAge = given?.find(({ name }) => name.value === 'maxAge')
    // NaN fails every comparison, so that an unreadable maximum age denies access.
    return Number(valueFromAST(maxAge?.value, GraphQLInt) ?? Number.NaN)
  })
}

function rolesOf(field: GraphQLField<unknown, unknown>): Role[] {
  return directivesOf(field, 'requiresRole').flatMap((directive) => {
    const value = directive.arguments?.[0]?.value
    return value?.kind === Kind.LIST
      ? value.values.map((role) => (role as { value: string }).value as Role)
      : []
  })
}
