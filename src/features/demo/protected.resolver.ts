/** A guarded feature, made to be copied or deleted. docs/guides/guarded-feature.md explains it. */
import { Ctx, Query, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { Authorized } from '../../graphql/authorized.ts'

@Resolver()
export class ProtectedResolver {
  @Authorized()
  @Query(() => String, { description: 'Returns a greeting for the signed-in user.' })
  protected(@Ctx() context: Context): string {
    const { user } = context.authenticated()
    return `Hello, ${user.email ?? user.name ?? user.id}! This is a protected field.`
  }
}
