/**
 * What every statement of the ORM and of Kysely goes through: a dialect of Kysely around the one of the
 * engine. Its driver notes which errors are the database's, and lets a transaction that fails end. Kysely
 * keeps the connection of a transaction that cannot be started or rolled back, for good
 * (https://github.com/kysely-org/kysely/issues/1990). On SQLite, which has one connection, nothing would
 * ever be written again; on PostgreSQL the pool would lose a place at each failure.
 */
import type { DatabaseConnection, Dialect, Driver, Kysely, TransactionSettings } from 'kysely'
import { noteErrors } from './driver-errors.ts'

type Savepoint = Parameters<NonNullable<Driver['savepoint']>>

export class CarefulDialect implements Dialect {
  readonly #engine: Dialect

  constructor(engine: Dialect) {
    this.#engine = engine
  }

  createDriver() {
    return new CarefulDriver(this.#engine.createDriver())
  }

  createAdapter() {
    return this.#engine.createAdapter()
  }

  createIntrospector(kysely: Kysely<unknown>) {
    return this.#engine.createIntrospector(kysely)
  }

  createQueryCompiler() {
    return this.#engine.createQueryCompiler()
  }
}

class CarefulDriver implements Driver {
  readonly #engine: Driver
  /** The pool gives the same connections again and again. */
  readonly #known = new WeakMap<DatabaseConnection, NotingConnection>()

  constructor(engine: Driver) {
    this.#engine = engine
  }

  init(...options: Parameters<Driver['init']>) {
    return this.#engine.init(...options)
  }

  destroy(...options: Parameters<Driver['destroy']>) {
    return this.#engine.destroy(...options)
  }

  async acquireConnection(...options: Parameters<Driver['acquireConnection']>) {
    const connection = await noteErrors(() => this.#engine.acquireConnection(...options))
    const known = this.#known.get(connection) ?? new NotingConnection(connection)
    this.#known.set(connection, known)
    return known
  }

  async releaseConnection(connection: DatabaseConnection) {
    await this.#engine.releaseConnection(
      connection instanceof NotingConnection ? connection.engine : connection,
    )
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings) {
    try {
      await this.#engine.beginTransaction(connection, settings)
    } catch (error) {
      // The connection was broken before it was taken from the pool, which then throws it away.
      await this.releaseConnection(connection)
      throw error
    }
  }

  commitTransaction(connection: DatabaseConnection) {
    return this.#engine.commitTransaction(connection)
  }

  async rollbackTransaction(connection: DatabaseConnection) {
    try {
      await this.#engine.rollbackTransaction(connection)
    } catch {
      // Nothing is left to roll back: SQLite has done so itself if the disk failed, and PostgreSQL does if
      // the connection is gone. The caller throws what went wrong before.
    }
  }

  async savepoint(...savepoint: Savepoint) {
    await this.#engine.savepoint?.(...savepoint)
  }

  async rollbackToSavepoint(...savepoint: Savepoint) {
    await this.#engine.rollbackToSavepoint?.(...savepoint)
  }

  async releaseSavepoint(...savepoint: Savepoint) {
    await this.#engine.releaseSavepoint?.(...savepoint)
  }
}

/** Nothing here cancels a query or kills a session, which are the optional methods of a connection. */
class NotingConnection implements DatabaseConnection {
  readonly engine: DatabaseConnection

  constructor(engine: DatabaseConnection) {
    this.engine = engine
  }

  executeQuery<R>(...query: Parameters<DatabaseConnection['executeQuery']>) {
    return noteErrors(() => this.engine.executeQuery<R>(...query))
  }

  streamQuery<R>(...query: Parameters<DatabaseConnection['streamQuery']>) {
    return this.engine.streamQuery<R>(...query)
  }
}
