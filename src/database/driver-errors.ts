/**
 * Which errors are the database's. Most of them look like any other: if a server refuses connections,
 * the driver throws what Node says of every server that does.
 */
import { DriverException } from '@mikro-orm/core'

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
