/** Changes that operators make to the signing keys, with their audit records. */
import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import { EventActor, EventKind } from '../audit/event.ts'
import type { KeyRing } from './key-ring.ts'

export interface KeyOperationOptions {
  readonly audit: AuditTrail
  readonly database: Pick<Database, 'em'>
  readonly keyRing: KeyRing
}

const actor = EventActor.OPERATOR

/** The next key becomes the current one; tokens that are valid stay valid. */
export async function rotateKeys({ audit, database, keyRing }: KeyOperationOptions): Promise<void> {
  await keyRing.rotate()
  await audit.record(database.em.fork(), { type: EventKind.KEYS_ROTATED, userId: null, actor })
}

/**
 * Deletes every key and creates new ones. Revokes every session first: their refresh tokens were
 * authenticated with a secret that is lost, or known to others.
 */
export async function resetKeys({ audit, database, keyRing }: KeyOperationOptions): Promise<void> {
  await audit.transactional(database.em.fork(), async (tx, record) => {
    const deleted = await sql`delete from sessions`.execute(tx.getKysely())
    const sessionsEnded = Number(deleted.numAffectedRows)
    await record({ type: EventKind.KEYS_RESET, userId: null, actor, sessionsEnded })
  })
  await keyRing.reset()
}
