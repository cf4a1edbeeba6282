/** Lets one instance at a time do a piece of work, on either engine. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'

/** A lease that was not renewed for this long is considered abandoned. */
const leaseMilliseconds = 60_000

/** One that ends later was taken by a clock that was wrong, and would be held for as long as it was. */
const longestLeaseMilliseconds = 2 * leaseMilliseconds

export interface LeaseOptions {
  readonly database: Database
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

/**
 * Does the work if no one else is doing it.
 * @param work gets a function that holds the lease for longer; false means that it was lost, and the
 * work has to stop
 * @returns whether it was done
 */
export async function withLease(
  options: LeaseOptions,
  name: string,
  work: (extend: () => Promise<boolean>) => Promise<void>,
): Promise<boolean> {
  const { clock, database } = options
  const { kysely } = database
  const holder = randomUUID()
  // One statement decides: a lease that someone else holds is not touched.
  const take = async () => {
    const now = clock()
    const taken = await sql`insert into leases (name, holder, expires_at)
      values (${name}, ${holder}, ${now + leaseMilliseconds})
      on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
      where leases.expires_at <= ${now} or leases.holder = ${holder}
        or leases.expires_at > ${now + longestLeaseMilliseconds}`.execute(kysely)
    return taken.numAffectedRows === 1n
  }
  if (!(await take())) return false
  try {
    await work(take)
  } finally {
    await sql`delete from leases where name = ${name} and holder = ${holder}`.execute(kysely)
  }
  return true
}
