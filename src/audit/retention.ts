/** How long the trail reaches back, and how much of it there may be. */
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Database } from '../database/database.ts'
import { EventActor } from './event.ts'
import { lowestEventId } from './event-id.ts'

/** Of one account; and of all failures together that name no account. The oldest make room. */
export const eventsPerAccount = 10_000
/** Accounts with new events are looked at for this long: several rounds of sweeping. */
const recentMilliseconds = 15 * 60 * 1000

export interface Retention {
  readonly database: Database
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly retentionSeconds: number
}

/**
 * Removes events that are older than the retention; ids are in the order of time.
 * @param limit the most to remove at once
 * @returns how many it removed
 */
export async function sweepOldEvents(retention: Retention, limit: number): Promise<number> {
  const oldest = lowestEventId(retention.now - retention.retentionSeconds * 1000)
  const result = await sql`delete from audit_events where id in (
    select id from audit_events where id < ${oldest} order by id limit ${limit})`.execute(
    retention.database.kysely,
  )
  return Number(result.numAffectedRows)
}

/**
 * Removes the oldest events of accounts that have too many, among those of which there are new ones:
 * what has been trimmed stays so until more happens.
 * @param limit the most to remove at once
 * @returns how many it removed
 */
export async function trimAccounts(retention: Retention, limit: number): Promise<number> {
  const { kysely } = retention.database
  const recent = lowestEventId(retention.now - recentMilliseconds)
  const { rows } = await sql<{ user_id: string }>`select user_id from (
      select distinct user_id from audit_events where id >= ${recent} and user_id is not null
    ) as recent where (
      select count(*) from audit_events where audit_events.user_id = recent.user_id
    ) > ${eventsPerAccount} limit 1`.execute(kysely)
  return rows[0] ? trim(kysely, sql`user_id = ${rows[0].user_id}`, limit) : 0
}

/** The same for failures that name no account. */
export function trimAnonymous(retention: Retention, limit: number): Promise<number> {
  return trim(
    retention.database.kysely,
    sql`user_id is null and actor = ${EventActor.ANONYMOUS}`,
    limit,
  )
}

async function trim(
  kysely: Kysely<unknown>,
  condition: RawBuilder<unknown>,
  limit: number,
): Promise<number> {
  const result = await sql`delete from audit_events where id in (
    select id from audit_events where ${condition}
      and id < (select id from audit_events where ${condition}
        order by id desc limit 1 offset ${eventsPerAccount - 1})
    order by id limit ${limit})`.execute(kysely)
  return Number(result.numAffectedRows)
}
