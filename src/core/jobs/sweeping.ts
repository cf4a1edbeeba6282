/** Removes what has expired: one instance at a time, a little at a time. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { accountTrimming, sweepOldEvents, trimAnonymous } from '../audit/retention.ts'
import type { Database } from '../../database/database.ts'
import { withLease } from './lease.ts'
import type { FlowStore } from '../../features/providers/flow-store.ts'
import { sweepSessions } from '../sessions/sweep.ts'
import type { Throttle } from '../throttle/throttle.ts'

export interface SweepOptions {
  readonly database: Database
  readonly clock: () => number
  readonly throttle: Throttle
  readonly flows: FlowStore
  readonly auditRetentionSeconds: number
  /** Asked between batches: what is left then is for another time. */
  readonly isStopping: () => boolean
}

/** Rows that one statement removes: few enough that no one waits for it. */
export const batchRows = 500

/**
 * Does nothing where another instance is at it.
 * @throws what a sweep has thrown, once the others have had their turn
 */
export async function sweepExpired(options: SweepOptions): Promise<void> {
  const { auditRetentionSeconds, clock, database, flows, isStopping, throttle } = options
  const retention = () => ({ database, now: clock(), retentionSeconds: auditRetentionSeconds })
  /** Removes a batch, and says whether there may be more. */
  const sweeps: ((limit: number) => Promise<boolean>)[] = [
    untilNone((limit) => sweepSessions(database, clock(), limit)),
    untilNone((limit) => throttle.sweep(limit)),
    untilNone((limit) => flows.sweep(limit)),
    untilNone((limit) => sweepOldEvents(retention(), limit)),
    accountTrimming(retention()),
    untilNone((limit) => trimAnonymous(retention(), limit)),
  ]
  const failures: unknown[] = []
  await withLease(options, 'sweep', async (extend) => {
    for (const sweep of sweeps) {
      try {
        while (await sweep(batchRows)) {
          // SQLite answers at once: without a pause, requests would wait for all of it.
          await nextTurn()
          if (isStopping() || !(await extend())) return
        }
      } catch (error) {
        failures.push(error)
      }
    }
  })
  if (failures.length > 1) throw new AggregateError(failures, 'Several sweeps failed')
  if (failures.length === 1) throw failures[0]
}

function untilNone(sweep: (limit: number) => Promise<number>) {
  return async (limit: number) => (await sweep(limit)) > 0
}
