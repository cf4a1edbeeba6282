/** What the resolvers of this feature ask the context for. */
import { requestService, serverPart } from '../../feature.ts'
import { recentProofSeconds } from '../../graphql/freshness.ts'
import type { PasswordHasher } from './password-hasher.ts'
import { PasswordService } from './password.service.ts'

export const passwordHasher = serverPart<PasswordHasher>('passwords')

export const passwords = requestService((context) => {
  const { clock, config, throttle } = context.server
  return new PasswordService({
    em: context.em,
    hasher: passwordHasher.of(context.server),
    throttle,
    sessions: context.sessions,
    audit: context.audit,
    clock,
    origin: context.request.origin,
    isRegistrationOpen: config.registration === 'open',
    requireRecentProof: () => context.requireFresh(recentProofSeconds),
    hasOtherSignInMethod: async () =>
      (await context.signInMethods()).some((method) => method !== 'password'),
    onCorruptHash: (userId) =>
      context.request.log.error({ userId }, 'The stored password hash is corrupt'),
  })
})
