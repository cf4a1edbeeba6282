/** Something that happened to an account, or to the server, for those who look back. */
import { defineEntity, p } from '@mikro-orm/core'
import type { EventActor, EventReason, EventKind } from './event.ts'

const AuditEventSchema = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_events',
  indexes: [{ properties: ['userId', 'id'] }],
  properties: {
    /** In the order of time (`event-id.ts`). */
    id: p.uuid().primary(),
    type: p.string().length(32).$type<EventKind>(),
    occurredAt: p.bigint('number'),
    /** Whose account it is about. No reference: what happened outlives the account (docs/adr/0024). */
    userId: p.uuid().nullable(),
    actor: p.string().length(16).$type<EventActor>(),
    /** Who ran the command, as their system names them. */
    operator: p.string().length(255).nullable(),
    reason: p.string().length(32).$type<EventReason>().nullable(),
    /** `password` or a provider's id. */
    method: p.string().length(64).nullable(),
    role: p.string().length(16).nullable(),
    sessionId: p.string().length(22).nullable(),
    /** How many sessions were revoked. */
    sessionsEnded: p.integer().nullable(),
    ip: p.string().length(45).nullable(),
    userAgent: p.string().length(512).nullable(),
    /** Finds the request's lines in the log. */
    requestId: p.string().length(128).nullable(),
  },
})

export class AuditEvent extends AuditEventSchema.class {}
AuditEventSchema.setClass(AuditEvent)
