/** Events as the API shows them, page by page (GraphQL Cursor Connections Specification). */
import { GraphQLDateTime } from 'graphql-scalars'
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql'
import { Role } from '../../core/users/role.ts'
import {
  EventActor,
  eventActors,
  EventKind,
  eventKinds,
  EventOutcome,
  eventOutcomes,
  EventReason,
  eventReasons,
} from '../../core/audit/event.ts'

registerEnumType(EventKind, {
  name: 'EventType',
  description: 'The kind of an event. Later versions may add values.',
  valuesConfig: eventKinds,
})

registerEnumType(EventActor, {
  name: 'EventActor',
  description: 'Who caused an event.',
  valuesConfig: eventActors,
})

registerEnumType(EventOutcome, {
  name: 'EventOutcome',
  description: 'Whether the action succeeded.',
  valuesConfig: eventOutcomes,
})

registerEnumType(EventReason, {
  name: 'EventReason',
  description:
    'Why a sign-in or a link failed, or why a session ended. Later versions may add values.',
  valuesConfig: eventReasons,
})

@ObjectType('Event', { description: 'An entry of the audit trail of an account.' })
export class EventType {
  @Field(() => ID, { description: 'Identifies the event.' })
  id!: string

  @Field(() => EventKind, { description: 'What happened.' })
  type!: EventKind

  @Field(() => GraphQLDateTime, { description: 'When it happened.' })
  occurredAt!: Date

  @Field(() => EventOutcome, { description: 'Whether the action succeeded.' })
  outcome!: EventOutcome

  @Field(() => EventActor, { description: 'Who caused the event.' })
  actor!: EventActor

  @Field(() => EventReason, {
    nullable: true,
    description: 'Why the action failed, or how the session ended.',
  })
  reason!: EventReason | null

  @Field(() => String, {
    nullable: true,
    description: "The sign-in method: `password` or a provider's id.",
  })
  method!: string | null

  @Field(() => Role, { nullable: true, description: 'The role that was granted or revoked.' })
  role!: Role | null

  @Field(() => ID, {
    nullable: true,
    description: 'The session that the event concerns or that caused it.',
  })
  sessionId!: string | null

  @Field(() => Int, { nullable: true, description: 'How many sessions were revoked.' })
  sessionsEnded!: number | null

  @Field(() => String, { nullable: true, description: 'The client IP.' })
  ip!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The `User-Agent` of the request, at most 512 characters.',
  })
  userAgent!: string | null
}

@ObjectType('EventEdge', { description: 'An event with its cursor.' })
export class EventEdgeType {
  @Field(() => String, {
    description: 'Pass it as `after` to get the events that follow this one.',
  })
  cursor!: string

  @Field(() => EventType, { description: 'The event.' })
  node!: EventType
}

@ObjectType('PageInfo', { description: 'Pagination info.' })
export class PageInfoType {
  @Field(() => Boolean, { description: 'Whether older entries follow.' })
  hasNextPage!: boolean

  @Field(() => Boolean, { description: 'Always false: paging backwards is not supported.' })
  hasPreviousPage!: boolean

  @Field(() => String, { nullable: true, description: 'The cursor of the first edge, if any.' })
  startCursor!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the last edge, if any. Pass it as `after` to get the next page.',
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
