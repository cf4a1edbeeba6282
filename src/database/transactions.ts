/**
 * Lets a transaction that fails end: Kysely keeps the connection of one that cannot be begun or rolled
 * back, for good. On SQLite, which has one, nothing would ever be written again; on PostgreSQL the pool
 * would lose a place at each failure.
 */
import type { Driver } from 'kysely'

export function withFailedTransactionsEnded(driver: Driver): Driver {
  const begin = driver.beginTransaction.bind(driver)
  const rollback = driver.rollbackTransaction.bind(driver)
  return Object.assign(driver, {
    beginTransaction: async (...[connection, settings]: Parameters<Driver['beginTransaction']>) => {
      try {
        await begin(connection, settings)
      } catch (error) {
        // The connection was broken before it was taken from the pool, which then throws it away.
        await driver.releaseConnection(connection)
        throw error
      }
    },
    rollbackTransaction: async (connection: Parameters<Driver['rollbackTransaction']>[0]) => {
      try {
        await rollback(connection)
      } catch {
        // There is nothing left to roll back: SQLite has done so itself if the disk failed, and
        // PostgreSQL does if the connection has gone. The caller throws what went wrong before.
      }
    },
  } satisfies Partial<Driver>)
}
