/** Reads that may be a moment old: from a replica if one responds, else from the server itself. */

/** Of the ORM: `read` is a replica if there is one, `write` the server itself. */
export type ConnectionType = 'read' | 'write'

/** @param read is called again, with `write`, if no replica answers */
export type ReadStale = <T>(read: (connectionType: ConnectionType) => Promise<T>) => Promise<T>

/** After a failure replicas are left alone for so long: a dead one takes seconds to find out. */
const recoveryMilliseconds = 10_000

/** @param onWarning is called when replicas are given up for a while */
export function readerOfReplicas(
  hasReplicas: boolean,
  onWarning: (message: string) => void,
): ReadStale {
  let avoidedUntil = Number.NEGATIVE_INFINITY
  return async (read) => {
    // By a clock that no one sets.
    if (!hasReplicas || performance.now() < avoidedUntil) return read('write')
    try {
      return await read('read')
    } catch {
      // Whatever it was: if it is not the replica's fault, the server itself says so again.
      avoidedUntil = performance.now() + recoveryMilliseconds
      onWarning('A database replica failed. The server of DATABASE_URL answers in its place.')
      return read('write')
    }
  }
}
