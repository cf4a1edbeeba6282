/** What is changed in the driver that every statement of the ORM and of Kysely goes through. */
import type { AbstractSqlConnection } from '@mikro-orm/sqlite'
import type { Dialect, Driver } from 'kysely'
import { withErrorsNoted } from './driver-errors.ts'
import { withFailedTransactionsEnded } from './transactions.ts'

/** @param connection that has not been connected yet */
export function changeDriver(connection: AbstractSqlConnection): void {
  const createDialect = connection.createKyselyDialect.bind(connection)
  connection.createKyselyDialect = (options) => {
    const dialect = createDialect(options) as Dialect
    const createDriver = dialect.createDriver.bind(dialect)
    return Object.assign(dialect, { createDriver: () => changed(createDriver()) })
  }
}

function changed(driver: Driver): Driver {
  return withFailedTransactionsEnded(withErrorsNoted(driver))
}
