import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql'
import type { Context } from '../../context.ts'
import type { Role } from '../../core/users/role.ts'
import { UserType } from '../account/user.type.ts'
import type { AuditEvent } from '../../core/audit/audit-event.entity.ts'
import { encodeCursor, EventService, largestPage } from './event.service.ts'
import { EventConnectionType, type EventType } from './event.type.ts'
import { outcomeOf } from '../../core/audit/event.ts'

@Resolver(() => UserType)
export class EventResolver {
  @FieldResolver(() => EventConnectionType, {
    complexity: 20,
    description: 'The audit trail of this account, the newest events first.',
  })
  async events(
    @Root() user: UserType,
    @Ctx() context: Context,
    @Arg('first', () => Int, {
      defaultValue: 20,
      description: `How many events to return: 1 to ${largestPage}.`,
    })
    first: number,
    @Arg('after', () => String, {
      nullable: true,
      description: 'A cursor: return the events after it, which are older.',
    })
    after?: string | null,
  ): Promise<EventConnectionType> {
    const page = await new EventService(context.em, context.server.database.readStale).page(
      user.id,
      first,
      after ?? undefined,
    )
    const edges = page.events.map((event) => ({
      cursor: encodeCursor(event.id),
      node: toEventType(event),
    }))
    return {
      edges,
      pageInfo: {
        hasNextPage: page.hasNextPage,
        hasPreviousPage: false,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
    }
  }
}

function toEventType(event: AuditEvent): EventType {
  return {
    id: event.id,
    type: event.type,
    occurredAt: new Date(event.occurredAt),
    outcome: outcomeOf(event.type),
    actor: event.actor,
    reason: event.reason ?? null,
    method: event.method ?? null,
    role: (event.role as Role | null | undefined) ?? null,
    sessionId: event.sessionId ?? null,
    sessionsEnded: event.sessionsEnded ?? null,
    ip: event.ip ?? null,
    userAgent: event.userAgent ?? null,
  }
}
