/** What a test, or a program that embeds the server, may put in place of the real thing. */
import type { GraphQLSchema } from 'graphql'
import type { Feature } from './feature.ts'
import type { PasswordHasher } from './features/passwords/password-hasher.ts'

export interface Overrides {
  /** Created from the same features, to save the time of creating it once more. */
  readonly schema?: GraphQLSchema
  /** In place of those in `features.ts`. */
  readonly features?: readonly Feature[]
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** Calls providers. */
  readonly fetch?: typeof fetch
  /** After this time a provider counts as down. */
  readonly providerTimeoutMilliseconds?: number
  /** bcrypt's cost, below what the configuration allows. */
  readonly passwordCost?: number
  /** In place of one that the server creates; the caller closes it. */
  readonly hasher?: PasswordHasher | undefined
  /** How long a request may take to arrive, and to get a response. */
  readonly requestTimeoutMilliseconds?: number
  /** Refusals a second that are sent without a delay. */
  readonly refusalsPerSecond?: { readonly network: number; readonly all: number }
  /** Takes the log's lines in place of standard output. */
  readonly logDestination?: { write(line: string): void }
}
