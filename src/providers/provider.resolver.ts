import { Query, Resolver } from 'type-graphql'
import { ProviderType } from './provider.type.ts'

@Resolver()
export class ProviderResolver {
  @Query(() => [ProviderType], {
    description: 'The sign-in buttons to show: the providers that this server is configured for.',
  })
  providers(): ProviderType[] {
    // No provider can be configured yet; the first one brings its registry with it.
    return []
  }
}
