/** The user and their provider accounts, as the API shows them. */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { Role } from '../../core/users/role.ts'

registerEnumType(Role, {
  name: 'Role',
  description: 'What a user may do.',
  valuesConfig: {
    USER: { description: 'Every account has this role.' },
    ADMIN: {
      description: 'Granted by an operator; opens fields marked `@requiresRole(roles: [ADMIN])`.',
    },
  },
})

@ObjectType('User', { description: 'A user. Users see only themselves.' })
export class UserType {
  @Field(() => ID, { description: 'Stable and never reused; the `sub` claim of access tokens.' })
  id!: string

  @Field(() => String, {
    nullable: true,
    description:
      'The e-mail address in normal form: trimmed, lower case. Null if no provider reported one.',
  })
  email!: string | null

  @Field(() => Boolean, {
    description: 'Whether it has been verified that the e-mail address belongs to the user.',
  })
  emailVerified!: boolean

  @Field(() => String, { nullable: true, description: 'The name to display for the user.' })
  name!: string | null

  @Field(() => [Role], { description: 'The roles of the user, as of this request.' })
  roles!: Role[]

  @Field(() => Boolean, { description: 'Whether the user can sign in with a password.' })
  hasPassword!: boolean

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description:
      'When a password that an operator set expires, unless `changePassword` replaces it before. Null for a password that the user chose.',
  })
  passwordExpiresAt!: Date | null

  @Field(() => GraphQLDateTime, { description: 'When the account was created.' })
  createdAt!: Date
}

@ObjectType('Identity', {
  description: 'An account at a provider that the user can sign in with.',
})
export class IdentityType {
  @Field(() => String, { description: "The provider's id, as in `Query.providers`." })
  provider!: string

  @Field(() => String, {
    nullable: true,
    description: 'The e-mail address that the provider reported at the last sign-in, if any.',
  })
  email!: string | null

  @Field(() => GraphQLDateTime, { description: 'When the provider was linked to this account.' })
  linkedAt!: Date
}
