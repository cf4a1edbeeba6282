/** `@Authorized`: guards a field, and says so in the schema. */
import {
  DirectiveLocation,
  GraphQLDirective,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLEnumType,
} from 'graphql'
import { Directive, Authorized as TypeGraphQLAuthorized } from 'type-graphql'
import type { Role } from './role.ts'

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
        'Needs an access token of a person who has one of the roles. Others fail with `FORBIDDEN`.',
      locations,
      args: {
        roles: {
          type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(roleEnum))),
          description: 'One of these is enough.',
        },
      },
    }),
  ]
}

/**
 * Lets only signed-in people read a field, and only those with one of the roles where roles are
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
