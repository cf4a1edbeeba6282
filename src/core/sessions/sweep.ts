/** Removes sessions whose time is over. They were refused before; this only frees their room. */
import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'

/**
 * @param now milliseconds since the epoch
 * @param limit the most to remove at once
 * @returns how many it removed
 */
export async function sweepSessions(
  database: Database,
  now: number,
  limit: number,
): Promise<number> {
  // Said twice: an instance whose clock is behind may refresh one of them before it is locked.
  const result = await sql`delete from sessions where expires_at <= ${now} and id in (
    select id from sessions where expires_at <= ${now} limit ${limit})`.execute(database.kysely)
  return Number(result.numAffectedRows)
}
