/** Sessions and what a sign-in returns, as the API shows them. */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql'
import { TokenTransport } from '../../core/sessions/token-transport.ts'
import { UserType } from './user.type.ts'

registerEnumType(TokenTransport, {
  name: 'TokenTransport',
  description: 'How the refresh token is sent.',
  valuesConfig: {
    BODY: {
      description: 'In the response body; the client stores it and sends it as an argument.',
    },
    COOKIE: {
      description:
        'In an HttpOnly cookie that scripts cannot read, for browsers. `refreshToken` is null in the response, and no argument is needed to refresh.',
    },
  },
})

export enum LogoutScope {
  THIS = 'THIS',
  OTHERS = 'OTHERS',
  ALL = 'ALL',
}
registerEnumType(LogoutScope, {
  name: 'LogoutScope',
  description: 'Which sessions to revoke.',
  valuesConfig: {
    THIS: {
      description:
        'The session of the access token, the cookie or the refresh token in the request.',
    },
    OTHERS: { description: "All of this user's sessions except the one of the access token." },
    ALL: { description: "All of this user's sessions." },
  },
})

@ObjectType('AuthPayload', { description: 'Returned by a sign-in or a refresh.' })
export class AuthPayloadType {
  @Field(() => String, {
    description:
      'A JWT (RFC 9068) for the `Authorization` header. Other services verify it with /.well-known/jwks.json.',
  })
  accessToken!: string

  @Field(() => String, { description: 'Always `Bearer`.' })
  tokenType!: string

  @Field(() => Int, { description: 'Seconds until the access token expires.' })
  expiresIn!: number

  @Field(() => String, {
    nullable: true,
    description:
      'Exchange it once for the next pair of tokens (`refreshToken`). Null with transport COOKIE.',
  })
  refreshToken!: string | null

  @Field(() => Int, {
    description: 'Seconds until the session ends unless it is refreshed before.',
  })
  refreshExpiresIn!: number

  @Field(() => UserType, { description: 'The user who signed in.' })
  user!: UserType
}

@ObjectType('NarrowedToken', {
  description: 'An access token that other services accept and this server does not.',
})
export class NarrowedTokenType {
  @Field(() => String, { description: 'A JWT (RFC 9068) that only the named services accept.' })
  accessToken!: string

  @Field(() => String, { description: 'Always `Bearer`.' })
  tokenType!: string

  @Field(() => Int, { description: 'Seconds until the token expires. It cannot be refreshed.' })
  expiresIn!: number

  @Field(() => [String], { description: 'The `aud` claim of the token.' })
  audiences!: string[]
}

@ObjectType('Session', { description: 'A signed-in device or browser.' })
export class SessionType {
  @Field(() => ID, {
    description:
      'Identifies the session for `revokeSession`; the `sid` claim of its access tokens. Not a credential.',
  })
  id!: string

  @Field(() => GraphQLDateTime, { description: 'When the user signed in.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, {
    description:
      'When the session was last refreshed, or started, to the hour. It changes at full hours only, so it does not reveal the exact time.',
  })
  lastUsedAt!: Date

  @Field(() => GraphQLDateTime, {
    description: 'When the session ends if it is not refreshed after `lastUsedAt`.',
  })
  expiresAt!: Date

  @Field(() => String, {
    nullable: true,
    description: 'The `User-Agent` of the last sign-in or refresh, at most 512 characters.',
  })
  userAgent!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The client IP of the last sign-in or refresh.',
  })
  ip!: string | null

  @Field(() => String, { description: "How the user signed in: `password` or a provider's id." })
  method!: string

  @Field(() => Boolean, { description: 'Whether the session is the one of this request.' })
  current!: boolean
}
