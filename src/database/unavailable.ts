/** Distinguishes an unavailable database from a fault of ours, or of someone else's server. */
import { isDriverError } from './driver-errors.ts'

const sqliteCodes = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|CANTOPEN|READONLY|PROTOCOL|NOMEM)/
/**
 * SQLSTATE: connections (08), transactions that lost against another (40), resources (53), locks not
 * had in time (55P03), a statement or server that was stopped (57), the system (58), and a server that
 * has become a replica (25006).
 */
const sqlStates = /^(08|40|53|57|58)[0-9A-Z]{3}$|^55P03$|^25006$/
const networkCodes =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/
/** The PostgreSQL driver's own words, for which it has no codes. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/

/** Whether the same request may well succeed a moment later. */
export function isUnavailable(error: unknown): boolean {
  if (!isDriverError(error)) return false
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') {
    return [sqliteCodes, sqlStates, networkCodes].some((pattern) => pattern.test(code))
  }
  return driverMessages.test(error.message)
}
