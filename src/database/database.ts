/** Opens the database that `DATABASE_URL` names. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Config } from '../config/config.ts'
import type { Driver } from './driver.ts'
import { ormOptions, type DatabaseOptions, type OrmOptions } from './orm-options.ts'
import { readerOfReplicas, type ReadStale } from './replicas.ts'

/** Probes give up after a few seconds, and take that for death rather than for a slow database. */
const readinessTimeoutMilliseconds = 2000

export interface Database extends Driver {
  /** For statements that decide by their row count; outside any transaction. */
  readonly kysely: Kysely<unknown>
  /** Reads what may be a moment old: never what decides about a token, a password or an attempt. */
  readonly readStale: ReadStale
  /** Whether a query gets a response in time, and says that every migration of this version has run. */
  isReady(): Promise<boolean>
}

/**
 * @param features their entities and migrations
 * @param onWarning gets what the ORM wants to say, never a query
 * @throws DatabaseStartError when the database cannot be opened or written
 */
export async function openDatabase(
  config: Config['database'],
  features: DatabaseOptions,
  onWarning: (message: string) => void,
): Promise<Database> {
  const options = ormOptions(features, onWarning)
  const driver = await openDriver(config, options)
  return {
    ...driver,
    readStale: readerOfReplicas(driver.hasReplicas, onWarning),
    kysely: driver.em.fork().getKysely(),
    isReady: readinessOf(driver),
  }
}

/** However many ask at once, and however long the database does not respond, one query is under way. */
function readinessOf(driver: Driver): () => Promise<boolean> {
  let asking: Promise<boolean> | undefined
  return () => {
    asking ??= driver
      .hasPendingMigrations()
      .then(
        (hasPending) => !hasPending,
        () => false,
      )
      .finally(() => (asking = undefined))
    return Promise.race([asking, wait(readinessTimeoutMilliseconds, false, { ref: false })])
  }
}

/** Loads the driver of one engine and not the other's: a start is shorter by that. */
async function openDriver(config: Config['database'], options: OrmOptions): Promise<Driver> {
  if (config.engine === 'sqlite') {
    const { openSqlite } = await import('./sqlite.ts')
    return openSqlite(config.file, options)
  }
  const { openPostgresql } = await import('./postgresql.ts')
  return openPostgresql(config, options)
}
