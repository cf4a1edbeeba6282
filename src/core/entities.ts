/** The entities of core. Features bring their own. */
import { AuditEvent } from './audit/audit-event.entity.ts'
import { Lease } from './jobs/lease.entity.ts'
import { Session } from './sessions/session.entity.ts'
import { AttemptCounter } from './throttle/attempt-counter.entity.ts'
import { SigningKey } from './tokens/signing-key.entity.ts'
import { Identity } from './users/identity.entity.ts'
import { User } from './users/user.entity.ts'

export const coreEntities = [User, Identity, Session, SigningKey, AttemptCounter, AuditEvent, Lease]
