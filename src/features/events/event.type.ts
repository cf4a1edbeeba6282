/** Events as the API shows them, page by page (GraphQL Cursor Connections Specification). */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql'
import { Role } from '../../core/users/role.ts'
import { EventActor, EventOutcome, EventReason, EventType } from '../../core/audit/event.ts'

registerEnumType(EventType, {
  name: 'EventType',
  description: 'What happened. There may be more of them in a later version.',
  valuesConfig: {
    ACCOUNT_CREATED: { description: 'By signing up, by a first sign-in, or by an operator.' },
    ACCOUNT_RECLAIMED: {
      description:
        'The owner of the e-mail address signed in with a provider that attests it. The address had never been verified, so the password, sessions and linked providers from before were removed.',
    },
    EMAIL_VERIFIED: {
      description: 'A linked provider attests that the e-mail address belongs to the user.',
    },
    SIGNED_IN: { description: 'A session was begun.' },
    SIGN_IN_FAILED: { description: 'A sign-in was refused; `reason` says why.' },
    REAUTHENTICATED: {
      description: 'The user of a session proved again who they are; `method` says how.',
    },
    REAUTHENTICATION_FAILED: {
      description: 'Such a proof was refused; `reason` says why.',
    },
    REFRESH_TOKEN_REUSED: {
      description:
        'An old refresh token came back: somebody may have copied it. The session was ended.',
    },
    REFRESH_TOKEN_REPEATED: {
      description:
        'A refresh token was used twice within the grace window, the second time from another network or with another `User-Agent`: it may have been copied. The session goes on.',
    },
    SESSION_ENDED: { description: 'One session or several were ended; `reason` says how.' },
    PASSWORD_CHANGED: {
      description: 'And the other sessions were ended; if by an operator, every session.',
    },
    PASSWORD_SET: { description: 'The first password of the account.' },
    PASSWORD_REMOVED: { description: 'By an operator, and every session was ended.' },
    PASSWORD_CHANGE_FAILED: { description: 'The current password was wrong.' },
    PROVIDER_LINKED: { description: 'The account can be signed in to with the provider.' },
    PROVIDER_UNLINKED: { description: 'And no more; other sessions that it began were ended.' },
    PROVIDER_LINK_FAILED: { description: 'A link was refused; `reason` says why.' },
    ROLE_GRANTED: { description: 'By an operator.' },
    ROLE_REVOKED: { description: 'By an operator.' },
    ACCOUNT_DISABLED: { description: 'By an operator.' },
    ACCOUNT_ENABLED: { description: 'By an operator, with no session left.' },
    ACCOUNT_DELETED: { description: 'By an operator.' },
    KEYS_ROTATED: { description: 'By an operator; of no account.' },
    DATABASE_BACKED_UP: { description: 'By an operator; of no account.' },
    DATABASE_RESTORED: {
      description: 'By an operator, and every session was ended; of no account.',
    },
    KEYS_RESET: { description: 'By an operator, and every session was ended; of no account.' },
  },
})

registerEnumType(EventActor, {
  name: 'EventActor',
  description: 'Who brought something about.',
  valuesConfig: {
    ACCOUNT: { description: 'Somebody who is signed in to the account, or just did so.' },
    ANONYMOUS: { description: 'Somebody who has not shown that the account is theirs.' },
    OPERATOR: { description: 'Whoever runs the server.' },
  },
})

registerEnumType(EventOutcome, {
  name: 'EventOutcome',
  description: 'Whether what somebody wanted came about.',
  valuesConfig: {
    SUCCESS: { description: 'It did.' },
    FAILURE: { description: 'It was refused.' },
  },
})

registerEnumType(EventReason, {
  name: 'EventReason',
  description:
    'Why a sign-in or a link failed, or a session ended. There may be more of them in a later version.',
  valuesConfig: {
    UNKNOWN_ACCOUNT: { description: 'There is no account with the address.' },
    WRONG_PASSWORD: { description: 'The password was wrong.' },
    PASSWORD_EXPIRED: {
      description: 'The password was set by an operator and not changed in time.',
    },
    NO_PASSWORD: { description: 'The account has no password.' },
    ACCOUNT_DISABLED: { description: 'The proof was good, but the account is disabled.' },
    CREDENTIALS_CHANGED: { description: 'They were changed while the proof was checked.' },
    PROVIDER_ERROR: { description: 'The provider refused or misbehaved.' },
    LINK_REQUIRED: {
      description:
        'The account has the address of the one at the provider, but that one is not linked to it.',
    },
    LINKED_TO_ANOTHER: {
      description: 'The account at the provider is linked to another account here.',
    },
    OTHER_IDENTITY: {
      description: 'The account at the provider is not the one that is linked to this account.',
    },
    REGISTRATION_CLOSED: { description: 'It would have made an account.' },
    LOGOUT: { description: 'By `logout`, this session.' },
    LOGOUT_OTHERS: { description: 'By `logout`, all sessions but this one.' },
    LOGOUT_ALL: { description: 'By `logout`, all sessions.' },
    REVOKED: { description: 'By `revokeSession`.' },
    TOO_MANY_SESSIONS: { description: 'A new one needed the room.' },
    REPLACED: { description: 'By another sign-in in the same browser, with transport COOKIE.' },
    ANOTHER_ORIGIN: {
      description: 'The token came back at once, from another network and another `User-Agent`.',
    },
  },
})

@ObjectType('Event', { description: 'Something that happened to an account.' })
export class EventObjectType {
  @Field(() => ID, { description: 'Names the event.' })
  id!: string

  @Field(() => EventType, { description: 'What happened.' })
  type!: EventType

  @Field(() => GraphQLDateTime, { description: 'When it happened.' })
  occurredAt!: Date

  @Field(() => EventOutcome, { description: 'Whether it was refused.' })
  outcome!: EventOutcome

  @Field(() => EventActor, { description: 'Who brought it about.' })
  actor!: EventActor

  @Field(() => EventReason, {
    nullable: true,
    description: 'Why it failed, or how a session came to its end.',
  })
  reason!: EventReason | null

  @Field(() => String, {
    nullable: true,
    description: "With what: `password` or a provider's id.",
  })
  method!: string | null

  @Field(() => Role, { nullable: true, description: 'The role that was granted or revoked.' })
  role!: Role | null

  @Field(() => ID, {
    nullable: true,
    description: 'The session that it is about, or that brought it about.',
  })
  sessionId!: string | null

  @Field(() => Int, { nullable: true, description: 'How many sessions it ended.' })
  sessionsEnded!: number | null

  @Field(() => String, { nullable: true, description: 'From which address.' })
  ip!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The `User-Agent` of the request, at most 512 characters.',
  })
  userAgent!: string | null
}

@ObjectType('EventEdge', { description: 'An event in its place on a page.' })
export class EventEdgeType {
  @Field(() => String, { description: 'For `after`, to go on behind this event.' })
  cursor!: string

  @Field(() => EventObjectType, { description: 'The event.' })
  node!: EventObjectType
}

@ObjectType('PageInfo', { description: 'Where a page lies among the others.' })
export class PageInfoType {
  @Field(() => Boolean, { description: 'Whether something older follows.' })
  hasNextPage!: boolean

  @Field(() => Boolean, { description: 'Always false: pages are walked one way.' })
  hasPreviousPage!: boolean

  @Field(() => String, { nullable: true, description: 'The cursor of the first, if any.' })
  startCursor!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the last, if any: `after` of the next page.',
  })
  endCursor!: string | null
}

@ObjectType('EventConnection', { description: 'A page of events, the newest first.' })
export class EventConnectionType {
  @Field(() => [EventEdgeType], { description: 'The events of this page.' })
  edges!: EventEdgeType[]

  @Field(() => PageInfoType, { description: 'How to get the next page.' })
  pageInfo!: PageInfoType
}
