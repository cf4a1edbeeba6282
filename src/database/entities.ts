/** Every entity of the application. The one place where plumbing knows the features. */
import { Session } from '../sessions/session.entity.ts'
import { AttemptCounter } from '../throttle/attempt-counter.entity.ts'
import { SigningKey } from '../tokens/signing-key.entity.ts'
import { Identity } from '../users/identity.entity.ts'
import { User } from '../users/user.entity.ts'

export const entities = [User, Identity, Session, SigningKey, AttemptCounter]
