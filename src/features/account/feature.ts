import type { Feature } from '../../feature.ts'
import { SessionResolver } from './session.resolver.ts'
import { UserResolver } from './user.resolver.ts'

/** The signed-in user: profile, sessions and their tokens. */
export const accountFeature: Feature = {
  name: 'account',
  resolvers: [UserResolver, SessionResolver],
}
