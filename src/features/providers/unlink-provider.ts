/** Removing a provider from an account. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { type Kysely, sql } from 'kysely'
import type { AuditTrail } from '../../core/audit/audit-trail.ts'
import { EventActor, EventKind } from '../../core/audit/event.ts'
import { AppError, ErrorCode } from '../../core/errors.ts'
import type { SessionReference } from '../../core/sessions/authentication.ts'
import { lockLiveSession } from '../../core/sessions/live-session.ts'
import type { Identity } from '../../core/users/identity.entity.ts'
import { isPasswordUsable, storedPasswordOf } from '../../core/users/usable-password.ts'
import { User } from '../../core/users/user.entity.ts'
import { usableProvidersOf } from './identities.ts'
import type { ProviderClient } from './provider-client.ts'
import { providerIdShape, unknownProvider } from './provider-error-codes.ts'

export interface UnlinkOptions {
  readonly em: SqlEntityManager
  readonly audit: AuditTrail
  readonly clock: () => number
  readonly clients: ReadonlyMap<string, ProviderClient>
}

/**
 * Removes the provider's accounts from the user, and ends the sessions that they started.
 * @throws AppError UNKNOWN_PROVIDER if none is linked, LAST_CREDENTIAL, UNAUTHENTICATED if the session
 * has ended meanwhile
 */
export async function unlinkProvider(
  providerId: string,
  { userId, sessionId }: SessionReference,
  { audit, clients, clock, em }: UnlinkOptions,
): Promise<void> {
  if (!providerIdShape.test(providerId)) throw unknownProvider(providerId)
  await audit.transactional(em, async (tx, record) => {
    const kysely = tx.getKysely() as Kysely<unknown>
    // Locks the user: of two removals at once, the second counts what the first has left. A session
    // that was ended meanwhile, as one that was stolen, removes nothing.
    await lockLiveSession(tx, { userId, sessionId }, clock())
    await sql`update users set credential_version = credential_version + 1
        where id = ${userId}`.execute(kysely)
    const removed = await sql`delete from identities
        where user_id = ${userId} and provider = ${providerId}`.execute(kysely)
    if (removed.numAffectedRows === 0n) throw unknownProvider(providerId)
    const user = await tx.findOneOrFail(User, { id: userId }, { refresh: true })
    // Without an e-mail address there is nothing to enter next to the password.
    const isPasswordEnough = user.email != null && isPasswordUsable(storedPasswordOf(user), clock())
    const { rows: left } = await sql<Pick<Identity, 'provider' | 'issuer'>>`
        select provider, issuer from identities where user_id = ${userId}`.execute(kysely)
    if (!isPasswordEnough && usableProvidersOf(left, clients).length === 0) {
      throw new AppError(
        ErrorCode.LAST_CREDENTIAL,
        'This is the only way to sign in to the account. Set a password or link another provider first.',
        { provider: providerId },
      )
    }
    const ended = await sql`delete from sessions where user_id = ${userId}
        and method = ${providerId} and id <> ${sessionId}`.execute(kysely)
    await record({
      type: EventKind.PROVIDER_UNLINKED,
      userId,
      actor: EventActor.ACCOUNT,
      method: providerId,
      sessionId,
      sessionsEnded: Number(ended.numAffectedRows),
    })
  })
}
