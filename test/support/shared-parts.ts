/** Parts of a server that are slow to make: tests' servers have them in common when no test can tell. */
import type { GraphQLSchema } from 'graphql'
import { PasswordHasher } from '../../src/features/passwords/password-hasher.ts'
import { createSchema } from '../../src/schema.ts'

/** bcrypt's, far below what the configuration allows. */
export const passwordCost = 4

let schema: GraphQLSchema | undefined
let hasher: PasswordHasher | undefined

/** It never changes. */
export const sharedSchema = (): GraphQLSchema => (schema ??= createSchema())

/**
 * Threads that hash at the tests' cost. A server has its own when its settings say something of hashing, its time or its
 * metrics, and so has each further server of a test: several have a queue each.
 */
export function sharedHasher(
  settings: Readonly<Record<string, unknown>>,
): PasswordHasher | undefined {
  const own = [
    'passwordCost',
    'requestTimeoutMilliseconds',
    'BCRYPT_COST',
    'METRICS_PORT',
    'WORKERS',
  ]
  if (own.some((name) => name in settings)) return undefined
  return (hasher ??= new PasswordHasher({ cost: passwordCost }))
}
