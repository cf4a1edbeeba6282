/** A user's id, as it is typed or sent. */

/** @returns the id as the database has it; undefined if it is not a UUID, which PostgreSQL would not compare */
export function parseUserId(text: string): string | undefined {
  const id = text.toLowerCase()
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id) ? id : undefined
}
