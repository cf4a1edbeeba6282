/** Removes what has expired: one instance at a time, a little at a time. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { sweepOldEvents, trimAccounts, trimAnonymous } from './audit/retention.ts'
import type { Database } from './database/database.ts'
import { withLease } from './database/lease.ts'
import type { FlowStore } from './providers/flow-store.ts'
import { sweepSessions } from './sessions/sweep.ts'
import type { Throttle } from './throttle/throttle.ts'

export interface SweepOptions {
  readonly database: Database
  readonly clock: () => number
  readonly throttle: Throttle
  readonly flows: FlowStore
  readonly auditRetentionSeconds: number
}

/** Rows that one statement removes: few enough that nobody waits for it. */
export const batchRows = 500

/** Does nothing where another instance is at it. */
export async function sweepExpired(options: SweepOptions): Promise<void> {
  const { auditRetentionSeconds, clock, database, flows, throttle } = options
  const retention = () => ({ database, now: clock(), retentionSeconds: auditRetentionSeconds })
  const sweeps: ((limit: number) => Promise<number>)[] = [
    (limit) => sweepSessions(database, clock(), limit),
    (limit) => throttle.sweep(limit),
    (limit) => flows.sweep(limit),
    (limit) => sweepOldEvents(retention(), limit),
    (limit) => trimAccounts(retention(), limit),
    (limit) => trimAnonymous(retention(), limit),
  ]
  await withLease(options, 'sweep', async (extend) => {
    for (const sweep of sweeps) {
      for (;;) {
        const removed = await sweep(batchRows)
        // Trimming goes account by account; a batch that is not full may be one account's last.
        if (removed === 0) break
        // SQLite answers at once: without a pause, requests would wait for all of it.
        await nextTurn()
        if (!(await extend())) return
      }
    }
  })
}
