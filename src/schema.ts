/** The schema of this server: the list of resolvers. A new feature adds its own here. */
// Before the first class that type-graphql decorates.
import 'reflect-metadata'
import type { GraphQLEnumType, GraphQLSchema } from 'graphql'
import { EventResolver } from './features/events/event.resolver.ts'
import { ProtectedResolver } from './features/demo/protected.resolver.ts'
import { buildExecutableSchema } from './graphql/schema.ts'
import { authChecker } from './graphql/auth-checker.ts'
import { accessDirectives } from './graphql/authorized.ts'
import { enforceFreshness } from './graphql/freshness.ts'
import { PasswordResolver } from './features/passwords/password.resolver.ts'
import { ProviderResolver } from './features/providers/provider.resolver.ts'
import { SessionResolver } from './features/account/session.resolver.ts'
import { UserResolver } from './features/account/user.resolver.ts'

/** @param more resolvers beside the server's own */
// oxlint-disable-next-line typescript/no-unsafe-function-type -- type-graphql's own type for classes
export function createSchema(...more: Function[]): GraphQLSchema {
  const schema = buildExecutableSchema({
    resolvers: [
      UserResolver,
      SessionResolver,
      PasswordResolver,
      ProviderResolver,
      EventResolver,
      ProtectedResolver,
      ...more,
    ],
    authChecker,
    directives: (typeNamed) => accessDirectives(typeNamed('Role') as GraphQLEnumType),
  })
  return enforceFreshness(schema)
}
