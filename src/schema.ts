/** The schema of this server: the list of resolvers. A new feature adds its own here. */
// Before the first class that type-graphql decorates.
import 'reflect-metadata'
import type { GraphQLEnumType, GraphQLSchema } from 'graphql'
import { ProtectedResolver } from './demo/protected.resolver.ts'
import { buildExecutableSchema } from './graphql/schema.ts'
import { authChecker } from './guard/auth-checker.ts'
import { accessDirectives } from './guard/authorized.ts'
import { PasswordResolver } from './passwords/password.resolver.ts'
import { ProviderResolver } from './providers/provider.resolver.ts'
import { SessionResolver } from './sessions/session.resolver.ts'
import { UserResolver } from './users/user.resolver.ts'

export function createSchema(): GraphQLSchema {
  return buildExecutableSchema({
    resolvers: [
      UserResolver,
      SessionResolver,
      PasswordResolver,
      ProviderResolver,
      ProtectedResolver,
    ],
    authChecker,
    directives: (typeNamed) => accessDirectives(typeNamed('Role') as GraphQLEnumType),
  })
}
