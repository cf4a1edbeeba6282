/** What the resolvers of this feature ask the context for. */
import { requestService, serverPart } from '../../feature.ts'
import type { Providers } from './provider-flows.ts'
import { ProviderService } from './provider.service.ts'

export const providersPart = serverPart<Providers>('providers')

export const providers = requestService((context) => {
  const { clock, config, throttle } = context.server
  return new ProviderService({
    ...providersPart.of(context.server),
    em: context.em,
    throttle,
    sessions: context.sessions,
    audit: context.audit,
    clock,
    origin: context.request.origin,
    isRegistrationOpen: config.registration === 'open',
    signInMethodsOf: (user) => context.signInMethodsOf(user),
    onFailure: (provider, failure) =>
      context.request.log.warn({ provider, err: failure }, 'The provider failed'),
  })
})
