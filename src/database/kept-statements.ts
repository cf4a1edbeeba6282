/**
 * A connection to SQLite that keeps its prepared statements. The ORM and Kysely ask mostly the same few
 * texts, and Kysely prepares each of them again each time; bench/NOTES.md has what that costs.
 */
import type Sqlite from 'better-sqlite3'
import type { SqliteDatabase } from 'kysely'

/** There are some fifty texts, and more only where lists of values differ in length. */
const keptStatements = 200

export class KeptStatements implements SqliteDatabase {
  readonly #connection: Sqlite.Database
  readonly #kept = new Map<string, Sqlite.Statement>()

  constructor(connection: Sqlite.Database) {
    this.#connection = connection
  }

  prepare(text: string): Sqlite.Statement {
    const known = this.#kept.get(text)
    // One whose rows are being read one by one cannot be asked again meanwhile.
    if (known && !known.busy) return known
    const statement = this.#connection.prepare(text)
    // A Map iterates in order of insertion: this is the oldest.
    if (this.#kept.size >= keptStatements) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(text, statement)
    return statement
  }

  close(): void {
    this.#connection.close()
  }
}
