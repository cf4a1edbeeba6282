import type { Feature } from '../../feature.ts'
import { isPasswordUsable } from '../../core/users/usable-password.ts'
import { PasswordHasher } from './password-hasher.ts'
import { PasswordResolver } from './password.resolver.ts'
import { passwordHasher } from './passwords.ts'

/**
 * Share of the request timeout for hashing. The rest is for the writes that follow, so that none is
 * committed after the client has been sent a 503.
 */
const hashingShare = 0.8

/** Registration, sign-in and proof by e-mail address and password. */
export const passwordsFeature: Feature = {
  name: 'passwords',
  resolvers: [PasswordResolver],
  start(server) {
    const { clock, config, metrics, overrides, requestTimeoutMilliseconds } = server
    const hasher =
      overrides.hasher ??
      new PasswordHasher({
        cost: overrides.passwordCost ?? config.bcryptCost,
        processes: config.workers,
        longestTurnMilliseconds: hashingShare * requestTimeoutMilliseconds,
        onWaited: metrics?.observeHashWait,
      })
    metrics?.showHashQueue(() => hasher.queueDepth)
    passwordHasher.provide(server, hasher)
    return {
      signInMethods: async (_context, user) =>
        isPasswordUsable(user, clock()) ? ['password'] : [],
      // One that was handed in belongs to the caller.
      ...(!overrides.hasher && { close: () => hasher.close() }),
    }
  },
}
