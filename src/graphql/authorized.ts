/** `@Authorized` and `@Fresh`: guard a field, and say so in the schema. */
import {
  DirectiveLocation,
  GraphQLDirective,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLEnumType,
} from 'graphql'
import { Directive, Authorized as TypeGraphQLAuthorized } from 'type-graphql'
import type { Role } from '../core/users/role.ts'

/** Fields and, on a type or resolver class, all of its fields. */
const locations = [DirectiveLocation.FIELD_DEFINITION, DirectiveLocation.OBJECT]

const authenticatedDirective = new GraphQLDirective({
  name: 'authenticated',
  description:
    'Needs a valid access token: `Authorization: Bearer …`. Without one the field fails with `UNAUTHENTICATED`.',
  locations,
})

/** Shows who may read a field; enforcing it is `@Authorized`'s work. */
export function accessDirectives(roleEnum: GraphQLEnumType): GraphQLDirective[] {
  return [
    authenticatedDirective,
    new GraphQLDirective({
      name: 'requiresRole',
      description:
        'Needs an access token of a user who has one of the roles. Otherwise the field fails with `FORBIDDEN`.',
      locations,
      args: {
        roles: {
          type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(roleEnum))),
          description: 'The user needs one of these roles.',
        },
      },
    }),
    new GraphQLDirective({
      name: 'requiresFresh',
      description:
        'Needs an access token whose user has recently proved their identity, by signing in or by `reauthenticate`. Otherwise the field fails with `REAUTHENTICATION_REQUIRED` before it does anything.',
      locations: [DirectiveLocation.FIELD_DEFINITION],
      args: {
        maxAge: {
          type: new GraphQLNonNull(GraphQLInt),
          description: 'How many seconds old the proof may be at most.',
        },
      },
    }),
  ]
}

const secondsPerUnit = { s: 1, m: 60, h: 3600, d: 86_400 } as const
type Duration = `${number}${keyof typeof secondsPerUnit}`

/**
 * Lets only users read a field who have proved recently who they are, by signing in or by proving it
 * again. Stands beside `@Authorized`, which says who they may be. Emits `@requiresFresh` into the schema;
 * what the schema says is enforced by `enforceFreshness`.
 * @param options.maxAge how old the proof may be, such as `5m`
 * @throws TypeError if that is not a duration, or if it stands on a class
 */
export function Fresh({ maxAge }: { maxAge: Duration }): MethodDecorator & PropertyDecorator {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(maxAge) ?? []
  const seconds = Number(amount) * secondsPerUnit[unit as keyof typeof secondsPerUnit]
  if (!(seconds > 0 && seconds < 2 ** 31)) {
    throw new TypeError(`@Fresh: maxAge must be a duration such as 5m, and is ${maxAge}`)
  }
  const directive = Directive(`@requiresFresh(maxAge: ${seconds})`)
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => {
    if (key === undefined) throw new TypeError('@Fresh guards a field: it cannot stand on a class')
    directive(target, key, descriptor as TypedPropertyDescriptor<unknown>)
  }
}

/**
 * Lets only signed-in users read a field, and only those with one of the roles where roles are
 * given. Emits `@authenticated` or `@requiresRole` into the schema.
 */
export function Authorized(...roles: Role[]): MethodDecorator & PropertyDecorator {
  const guard = TypeGraphQLAuthorized<Role>(roles)
  const directive =
    roles.length === 0
      ? Directive('@authenticated')
      : Directive(`@requiresRole(roles: [${roles.join(', ')}])`)
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => {
    guard(target, key, descriptor as TypedPropertyDescriptor<unknown>)
    directive(target, key, descriptor as TypedPropertyDescriptor<unknown>)
  }
}
