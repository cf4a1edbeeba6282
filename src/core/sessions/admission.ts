/** The decision on a sign-in: who may sign in is decided here, whichever way the user has proved who they are. */
import { randomBytes } from 'node:crypto'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { sql, type Kysely } from 'kysely'
import type { AuditTrail, RecordEvent } from '../audit/audit-trail.ts'
import { EventActor, EventReason, EventKind } from '../audit/event.ts'
import type { RefreshToken } from '../tokens/refresh-token.ts'
import { User } from '../users/user.entity.ts'
import type { AuthPayload } from './auth-payload.ts'
import type { RequestOrigin, Proof, SessionPolicy } from './authentication.ts'
import { accountDisabled, invalidCredentials } from './errors.ts'
import { revokeReplacedSession } from './replaced-session.ts'
import type { SessionRecord } from './session-row.ts'

/** What a sign-in comes to. Each caller has to handle each status. */
export type Admission =
  | { readonly status: 'admitted'; readonly payload: AuthPayload }
  /** The account is disabled. */
  | { readonly status: 'disabled' }
  /** The account or its credentials have changed since the proof was checked. */
  | { readonly status: 'changed' }

export interface AdmissionOptions {
  readonly em: SqlEntityManager
  readonly audit: AuditTrail
  readonly clock: () => number
  readonly origin: RequestOrigin
  readonly policy: SessionPolicy
}

/** A user keeps at most this many sessions; the one unused for longest makes room. */
export const sessionsPerUser = 100

/** @throws AppError UNAUTHENTICATED (ACCOUNT_DISABLED), INVALID_CREDENTIALS */
export function requireAdmitted(admission: Admission): AuthPayload {
  switch (admission.status) {
    case 'admitted':
      return admission.payload
    case 'disabled':
      throw accountDisabled()
    case 'changed':
      throw invalidCredentials()
  }
}

/**
 * Creates the session of a user who has just proved who they are.
 * @param replaced the refresh token whose cookie the new one overwrites
 * @returns the session; the status of the refusal if there is none
 */
export async function createSession(
  proof: Proof,
  replaced: RefreshToken | undefined,
  { audit, origin, clock, em, policy }: AdmissionOptions,
): Promise<SessionRecord | 'disabled' | 'changed'> {
  const now = clock()
  const session = newSession(proof, policy, now)
  const { credentialVersion, method, userId } = proof
  return audit.transactional(em, async (tx, record) => {
    const kysely = tx.getKysely() as Kysely<unknown>
    // The first statement locks the user: a change of the password or of the account at the same moment
    // comes either before, and is seen, or after, and finds the session.
    const admitted = await sql`update users set last_signed_in_at = ${now}
      where id = ${userId} and disabled_at is null
        and credential_version = ${credentialVersion}`.execute(kysely)
    if (admitted.numAffectedRows !== 1n) return refuse(tx, record, proof)
    if (replaced) await revokeReplacedSession(tx, record, replaced, now)
    await sql`insert into sessions (id, user_id, method, generation, rotated_at, created_at,
        authenticated_at, amr, last_used_at, expires_at, ends_at, user_agent, ip)
      values (${session.id}, ${userId}, ${method}, ${session.generation}, null, ${now},
        ${now}, ${JSON.stringify(session.amr)}, ${now}, ${session.expiresAt}, ${session.endsAt},
        ${origin.userAgent ?? null}, ${origin.ip ?? null})`.execute(kysely)
    const by = { userId, actor: EventActor.ACCOUNT }
    const sessionsEnded = await makeRoom(kysely, session)
    await record({ type: EventKind.SIGNED_IN, ...by, method, sessionId: session.id })
    if (sessionsEnded > 0) {
      const reason = EventReason.TOO_MANY_SESSIONS
      await record({ type: EventKind.SESSION_ENDED, ...by, reason, sessionsEnded })
    }
    return session
  })
}

function newSession({ amr, method, userId }: Proof, policy: SessionPolicy, now: number) {
  const endsAt = now + policy.maxLifetimeSeconds * 1000
  return {
    id: randomBytes(16).toString('base64url'),
    userId,
    method,
    generation: 0,
    createdAt: now,
    rotatedAt: null,
    authenticatedAt: now,
    amr,
    expiresAt: Math.min(now + policy.idleLifetimeSeconds * 1000, endsAt),
    endsAt,
  }
}

/** @returns how many sessions it revoked; never the new one, even if another instance's clock is ahead */
async function makeRoom(
  kysely: Kysely<unknown>,
  { id, userId }: Pick<SessionRecord, 'id' | 'userId'>,
): Promise<number> {
  const revoked = await sql`delete from sessions
    where user_id = ${userId} and id <> ${id} and id not in (
      select id from sessions where user_id = ${userId} and id <> ${id}
      order by last_used_at desc, id limit ${sessionsPerUser - 1})`.execute(kysely)
  return Number(revoked.numAffectedRows)
}

/** Its record is committed like that of a sign-in. */
async function refuse(
  tx: SqlEntityManager,
  record: RecordEvent,
  { method, userId }: Proof,
): Promise<'disabled' | 'changed'> {
  // Not from the identity map, which has the user as they were when the proof was checked.
  const user = await tx.findOne(User, { id: userId }, { refresh: true })
  const isDisabled = user?.disabledAt != null
  const reason = isDisabled ? EventReason.ACCOUNT_DISABLED : EventReason.CREDENTIALS_CHANGED
  const type = EventKind.SIGN_IN_FAILED
  await record({ type, userId, actor: EventActor.ANONYMOUS, reason, method })
  return isDisabled ? 'disabled' : 'changed'
}
