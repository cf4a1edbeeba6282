/** The person and their provider accounts, as the API shows them. */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql'
import { Role } from '../../core/users/role.ts'

registerEnumType(Role, {
  name: 'Role',
  description: 'What a person may do.',
  valuesConfig: {
    USER: { description: 'Everybody who has an account.' },
    ADMIN: {
      description: 'Granted by an operator; opens fields marked `@requiresRole(roles: [ADMIN])`.',
    },
  },
})

@ObjectType('User', { description: 'A person with an account. People see only themselves.' })
export class UserType {
  @Field(() => ID, { description: 'Stable and never reused; the `sub` claim of access tokens.' })
  id!: string

  @Field(() => String, {
    nullable: true,
    description: 'In normal form: trimmed, lower case. Null where no provider gave one.',
  })
  email!: string | null

  @Field(() => Boolean, {
    description: 'Whether it has been proven that the address belongs to the person.',
  })
  emailVerified!: boolean

  @Field(() => String, { nullable: true, description: 'What the person wants to be called.' })
  name!: string | null

  @Field(() => [Role], { description: 'What the person may do, as of this request.' })
  roles!: Role[]

  @Field(() => Boolean, { description: 'Whether the person can sign in with a password.' })
  hasPassword!: boolean

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description:
      'When a password that an operator set stops working, unless `changePassword` replaces it before. Null for a password that the user chose.',
  })
  passwordExpiresAt!: Date | null

  @Field(() => GraphQLDateTime, { description: 'When the account was made.' })
  createdAt!: Date
}

@ObjectType('Identity', {
  description: 'An account at a provider with which the person can sign in.',
})
export class IdentityType {
  @Field(() => String, { description: "The provider's id, as in `Query.providers`." })
  provider!: string

  @Field(() => String, {
    nullable: true,
    description: 'The address that the provider gave when it was last used, if any.',
  })
  email!: string | null

  @Field(() => GraphQLDateTime, { description: 'When it was linked to this account.' })
  linkedAt!: Date
}
