/** Removes rows that have expired: one instance at a time, in small batches. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../../database/database.ts'
import { withLease } from './lease.ts'

/** @returns a step for one run, which removes at most `limit` rows and says whether there may be more */
export type Sweep = () => (limit: number) => Promise<boolean>

export interface SweepOptions {
  readonly database: Database
  readonly clock: () => number
  /** Checked between batches; whatever remains waits for the next run. */
  readonly isStopping: () => boolean
}

/** Rows that one statement removes: few enough that no request waits for it. */
export const batchRows = 500

/**
 * Runs all sweeps, unless another instance is running them.
 * @throws the error of a sweep, after the others have run
 */
export async function sweepExpired(sweeps: readonly Sweep[], options: SweepOptions): Promise<void> {
  const { isStopping } = options
  const failures: unknown[] = []
  await withLease(options, 'sweep', async (extend) => {
    for (const sweep of sweeps) {
      try {
        const step = sweep()
        while (await step(batchRows)) {
          // SQLite responds at once: without a pause, requests would wait for all of it.
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

/** @param remove removes at most `limit` rows and returns how many it removed */
export function untilNone(remove: (limit: number) => Promise<number>): Sweep {
  return () => async (limit) => (await remove(limit)) > 0
}
