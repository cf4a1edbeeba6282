/**
 * Which errors are the database's. Most of them look like any other: if a server refuses connections,
 * the driver throws what Node says of every server that does.
 */
import { DriverException } from '@mikro-orm/core'
import type { DatabaseConnection, Driver } from 'kysely'

const noted = new WeakSet<object>()

export function isDriverError(error: unknown): error is Error {
  // The ORM copies what it catches into one of its own.
  return error instanceof DriverException || (error instanceof Error && noted.has(error))
}

/** Whatever the work throws is an error of the database. */
export async function noteErrors<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error) noted.add(error)
    throw error
  }
}

/** Notes what goes wrong in getting a connection and in each statement on it, those of transactions included. */
export function withErrorsNoted(driver: Driver): Driver {
  const acquire = driver.acquireConnection.bind(driver)
  const known = new WeakSet<DatabaseConnection>()
  return Object.assign(driver, {
    acquireConnection: async (...options: Parameters<Driver['acquireConnection']>) => {
      const connection = await noteErrors(() => acquire(...options))
      // The pool gives the same one again and again.
      if (known.has(connection)) return connection
      known.add(connection)
      const execute = connection.executeQuery.bind(connection)
      connection.executeQuery = <R>(...query: Parameters<DatabaseConnection['executeQuery']>) =>
        noteErrors(() => execute<R>(...query))
      return connection
    },
  } satisfies Partial<Driver>)
}
