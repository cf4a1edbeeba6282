/** Removes sessions whose time is over. They were refused before; this only frees their room. */
import { sql } from 'kysely'
import type { Database } from '../database/database.ts'

/** @param now milliseconds since the epoch */
export async function sweepSessions(database: Database, now: number): Promise<void> {
  await sql`delete from sessions where expires_at <= ${now}`.execute(database.kysely)
}
