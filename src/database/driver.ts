/** What each engine brings. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'

/** One read of at most one row by one parameter, prepared once: the path of every request. */
export type PreparedRead<Row> = (parameter: string) => Promise<Row | undefined>

export type Engine = 'sqlite' | 'postgresql'

export interface Driver {
  readonly engine: Engine
  /** Whether a read of the connection type `read` may get its response from a replica. */
  readonly hasReplicas: boolean
  readonly em: SqlEntityManager
  /** Brings the schema up to date. */
  migrate(): Promise<void>
  /** Whether this version has migrations that have not been run. */
  hasPendingMigrations(): Promise<boolean>
  /** Absent if there is no pool. */
  readonly countConnections?: () => { used: number; idle: number; waiting: number }
  /** @param sql with one placeholder, written `?` */
  prepareRead<Row>(sql: string): PreparedRead<Row>
  close(): Promise<void>
}
