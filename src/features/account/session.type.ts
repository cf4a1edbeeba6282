/** Sessions and what a sign-in answers, as the API shows them. */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql'
import { TokenTransport } from '../../core/sessions/token-transport.ts'
import { UserType } from './user.type.ts'

registerEnumType(TokenTransport, {
  name: 'TokenTransport',
  description: 'How the refresh token travels.',
  valuesConfig: {
    BODY: { description: 'In the answer; the client keeps it and sends it as an argument.' },
    COOKIE: {
      description:
        'In an HttpOnly cookie that scripts cannot read; `refreshToken` is null in the answer and needs no argument afterwards. For browsers.',
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
  description: 'Which sessions to end.',
  valuesConfig: {
    THIS: { description: 'The one that the request names.' },
    OTHERS: { description: 'All of the person but the one that the access token names.' },
    ALL: { description: 'All of the person.' },
  },
})

@ObjectType('AuthPayload', { description: 'What a sign-in or a refresh answers.' })
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
    description: 'Gets the next pair of tokens, once. Null with transport COOKIE.',
  })
  refreshToken!: string | null

  @Field(() => Int, {
    description: 'Seconds until the session ends if it is not refreshed before.',
  })
  refreshExpiresIn!: number

  @Field(() => UserType, { description: 'Who signed in.' })
  user!: UserType
}

@ObjectType('NarrowedToken', {
  description: 'An access token for other services, which opens nothing here.',
})
export class NarrowedTokenType {
  @Field(() => String, { description: 'A JWT (RFC 9068) for those services alone.' })
  accessToken!: string

  @Field(() => String, { description: 'Always `Bearer`.' })
  tokenType!: string

  @Field(() => Int, { description: 'Seconds until it expires. It cannot be refreshed.' })
  expiresIn!: number

  @Field(() => [String], { description: 'Its `aud` claim.' })
  audiences!: string[]
}

@ObjectType('Session', { description: 'A sign-in that is still alive: one device, one browser.' })
export class SessionType {
  @Field(() => ID, {
    description: 'Names the session for `revokeSession`; the `sid` claim. Not a credential.',
  })
  id!: string

  @Field(() => GraphQLDateTime, { description: 'When the person signed in.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, {
    description:
      'When it was last refreshed, or begun, to the hour. It changes at full hours only: it does not tell the moment.',
  })
  lastUsedAt!: Date

  @Field(() => GraphQLDateTime, {
    description: 'When it ends if it was not refreshed since `lastUsedAt`.',
  })
  expiresAt!: Date

  @Field(() => String, {
    nullable: true,
    description: 'The `User-Agent` of the last sign-in or refresh, at most 512 characters.',
  })
  userAgent!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The address of the last sign-in or refresh.',
  })
  ip!: string | null

  @Field(() => String, { description: "How the person signed in: `password` or a provider's id." })
  method!: string

  @Field(() => Boolean, { description: 'Whether it is the session of this request.' })
  current!: boolean
}
