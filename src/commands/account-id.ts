/** An account's id as somebody types it on a command line. */

/** @returns the id as the database has it; nothing where it is no UUID, which PostgreSQL would not compare */
export function parseAccountId(text: string): string | undefined {
  const id = text.toLowerCase()
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id) ? id : undefined
}
