/** A feature as one value: everything that the server needs to know of it. `features.ts` lists them. */
import type { Context, Server } from './context.ts'
import { coreEntities } from './core/entities.ts'
import {
  errorCodes as coreErrorCodes,
  type ErrorCodeFacts,
  type ErrorCodes,
} from './core/errors.ts'
import type { Sweep } from './core/jobs/sweeping.ts'
import type { DatabaseOptions, EntityClass, MigrationObject } from './database/orm-options.ts'
import type { Engine } from './database/driver.ts'
import type { Routes } from './http/server.ts'
import type { StoredPassword } from './core/users/usable-password.ts'

// oxlint-disable-next-line typescript/no-unsafe-function-type -- type-graphql's own type for classes
export type ResolverClass = Function

export interface Feature {
  /** The name of its folder. In the database, the names of its migrations start with it: `notes/0001-initial`. */
  readonly name: string
  readonly resolvers?: readonly ResolverClass[]
  readonly entities?: readonly EntityClass[]
  /** For each engine, in the order in which they run, after Latchkey's own. */
  readonly migrations?: Readonly<Record<Engine, readonly MigrationObject[]>>
  /** Codes that only this feature's errors have. */
  readonly errorCodes?: ErrorCodes
  /** Creates what lives as long as the server. */
  start?(server: Server): StartedFeature | Promise<StartedFeature>
}

/** As much of a user as decides how they can sign in. */
export type SignInUser = { readonly id: string } & StoredPassword

export interface StartedFeature {
  /** HTTP routes in addition to /graphql. */
  readonly routes?: Routes
  /** The page that a browser gets at /graphql. */
  readonly landingPage?: LandingPage
  /** Origins that may call /graphql in addition to ALLOWED_ORIGINS. */
  readonly allowedOrigins?: readonly string[]
  /** Removes rows that have expired. */
  readonly sweeps?: readonly Sweep[]
  /** How the user can sign in by this feature: `password`, or ids of providers. */
  signInMethods?(context: Context, user: SignInUser): Promise<string[]>
  /** Runs after the last request, while the database is still open. */
  close?(): Promise<void>
}

export interface LandingPage {
  readonly html: () => string
  readonly headers: Readonly<Record<string, string>>
}

/** What a feature keeps for as long as the server lives. */
export interface ServerPart<T> {
  provide(server: Server, value: T): T
  /** @throws Error if the feature has not started */
  of(server: Server): T
}

/** @param name for the error message */
export function serverPart<T>(name: string): ServerPart<T> {
  const values = new WeakMap<Server, T>()
  return {
    provide(server, value) {
      values.set(server, value)
      return value
    },
    of(server) {
      const value = values.get(server)
      if (value === undefined) throw new Error(`The feature ${name} has not started`)
      return value
    },
  }
}

/** A service of a feature: created for a request when a resolver first asks for it, and kept until its end. */
export function requestService<T extends object>(
  create: (context: Context) => T,
): (context: Context) => T {
  const services = new WeakMap<Context, T>()
  return (context) => {
    let service = services.get(context)
    if (!service) services.set(context, (service = create(context)))
    return service
  }
}

export function resolversOf(features: readonly Feature[]): ResolverClass[] {
  return features.flatMap(({ resolvers = [] }) => resolvers)
}

/** @throws Error if a code is declared twice */
export function errorCodesOf(features: readonly Feature[]): ErrorCodes {
  const all: Record<string, ErrorCodeFacts> = {}
  for (const { name, errorCodes = {} } of features) {
    for (const [code, facts] of Object.entries(errorCodes)) {
      if (code in all || code in coreErrorCodes) {
        throw new Error(`The feature ${name} declares the error code ${code} a second time`)
      }
      all[code] = facts
    }
  }
  return all
}

/**
 * What the database has to know of the features. The migrations of each get its name as a prefix.
 * @throws Error if two features have the same name
 */
export function databaseOptionsOf(features: readonly Feature[]): DatabaseOptions {
  const names = features.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`Two features have the name ${twice}`)
  const migrationsOf = (engine: Engine) =>
    features.flatMap((feature) =>
      (feature.migrations?.[engine] ?? []).map((migration) => ({
        name: `${feature.name}/${migration.name}`,
        class: migration.class,
      })),
    )
  return {
    entities: [...coreEntities, ...features.flatMap(({ entities = [] }) => entities)],
    migrations: { sqlite: migrationsOf('sqlite'), postgresql: migrationsOf('postgresql') },
  }
}
