/** Fields that no server has: guarded by a role, nested without end, slow, and failing in every way. */
// Before the first class that type-graphql decorates.
import 'reflect-metadata'
import { GraphQLError } from 'graphql'
import { Arg, Field, FieldResolver, ObjectType, Query, Resolver } from 'type-graphql'
import { Authorized } from '../../src/graphql/authorized.ts'
import { Role } from '../../src/core/users/role.ts'
import { schemaWith } from './schema-with.ts'

/** What a failure says and no one but the log may hear. */
export const failureDetail = 'relation "users" at 10.0.0.7'

const failures: Record<string, () => unknown> = {
  error: () => new Error(failureDetail),
  text: () => failureDetail,
  null: () => null,
  undefined: () => undefined,
  object: () => ({ message: failureDetail, statusCode: 200 }),
  graphql: () => new GraphQLError(failureDetail, { extensions: { code: 'BAD_USER_INPUT' } }),
  status: () => Object.assign(new Error(failureDetail), { extensions: { http: { status: 201 } } }),
  // Worded as graphql-js words what is about the request.
  argument: () => new Error(`Argument "id" of required type ${failureDetail}`),
  cause: () => new Error('Outer', { cause: new Error(failureDetail) }),
}
export const failureKinds = Object.keys(failures)

@ObjectType('Nest')
class Nest {
  @Field(() => String)
  name!: string
}

@Resolver(() => Nest)
class TestResolver {
  /** How often any field below was asked for. */
  static calls = 0

  @Query(() => Nest)
  nest(): Nest {
    TestResolver.calls += 1
    return { name: 'nest' }
  }

  @FieldResolver(() => Nest)
  inner(): Nest {
    return { name: 'inner' }
  }

  @FieldResolver(() => [Nest])
  many(): Nest[] {
    return []
  }

  @Authorized(Role.ADMIN)
  @Query(() => String)
  secretOfAdmins(): string {
    return 'for administrators'
  }

  @Authorized(Role.USER, Role.ADMIN)
  @Query(() => String)
  secretOfEither(): string {
    return 'for either'
  }

  @Query(() => String)
  fail(@Arg('how', () => String) how: string): string {
    throw failures[how]!()
  }

  @Query(() => String, { nullable: true })
  failSoftly(@Arg('how', () => String) how: string): string {
    throw failures[how]!()
  }

  /** Breaks the promise of the schema. */
  @Query(() => String)
  missing(): string {
    return undefined as unknown as string
  }

  @Query(() => Number)
  notANumber(): number {
    return failureDetail as unknown as number
  }

  @Query(() => String)
  never(): Promise<string> {
    return new Promise(() => {})
  }
}

export const countCalls = (): number => TestResolver.calls

/** The server's schema with these fields next to its own. */
export const testSchema = schemaWith(TestResolver)
