import { Arg, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql'
import type { Context } from '../../context.ts'
import { Authorized } from '../../graphql/authorized.ts'
import { Identity } from '../../core/users/identity.entity.ts'
import { updateProfile } from '../../core/users/profile.ts'
import { IdentityType, UserType } from './user.type.ts'

@Resolver(() => UserType)
export class UserResolver {
  @Authorized()
  @Query(() => UserType, { description: 'The signed-in user.' })
  me(@Ctx() context: Context): UserType {
    return context.authenticated().user
  }

  @Authorized()
  @Mutation(() => UserType, {
    complexity: 10,
    description: "Changes the user's profile. An argument that is omitted changes nothing.",
  })
  updateProfile(
    @Ctx() context: Context,
    @Arg('name', () => String, {
      nullable: true,
      description:
        'The name to display for the user: at most 200 characters, without control characters. Null or blank removes the name.',
    })
    name?: string | null,
  ): Promise<UserType> {
    return updateProfile(context.em, context.authenticated().user, { name })
  }

  @FieldResolver(() => [IdentityType], {
    complexity: 5,
    description: 'The accounts at providers that the user can sign in with.',
  })
  async identities(@Root() user: UserType, @Ctx() context: Context): Promise<IdentityType[]> {
    const identities = await context.em.find(
      Identity,
      { user: user.id },
      { orderBy: { linkedAt: 'asc' } },
    )
    return identities.map(({ provider, email, linkedAt }) => ({
      provider,
      email: email ?? null,
      linkedAt: new Date(linkedAt),
    }))
  }
}
