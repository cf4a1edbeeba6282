/** Every entity of the application. The one place where plumbing knows the features. */
import { AuditEvent } from './audit/audit-event.entity.ts'
import { ProviderFlow } from '../features/providers/provider-flow.entity.ts'
import { ProviderToken } from '../features/providers/provider-token.entity.ts'
import { Session } from './sessions/session.entity.ts'
import { AttemptCounter } from './throttle/attempt-counter.entity.ts'
import { SigningKey } from './tokens/signing-key.entity.ts'
import { Identity } from './users/identity.entity.ts'
import { User } from './users/user.entity.ts'
import { Lease } from './jobs/lease.entity.ts'

export const entities = [
  User,
  Identity,
  ProviderFlow,
  ProviderToken,
  Session,
  SigningKey,
  AttemptCounter,
  AuditEvent,
  Lease,
]
