import type { Mutation } from '../mutation.ts'
import { audit } from './audit.ts'
import { client } from './client.ts'
import { guard } from './guard.ts'
import { passwords } from './passwords.ts'
import { providers } from './providers.ts'
import { sessions } from './sessions.ts'
import { throttles } from './throttle.ts'
import { tokens } from './tokens.ts'

/** All mutations, by the folder that they change. */
export const mutations: readonly Mutation[] = [
  ...sessions,
  ...tokens,
  ...guard,
  ...passwords,
  ...providers,
  ...throttles,
  ...audit,
  ...client,
]
