/** Opens the database that `DATABASE_URL` names. */
import type { Kysely } from 'kysely'
import type { Config } from '../config.ts'
import type { Driver } from './driver.ts'
import { ormOptions } from './orm-options.ts'
import { openPostgresql } from './postgresql.ts'
import { openSqlite } from './sqlite.ts'

export interface Database extends Driver {
  /** For statements that decide by their row count; outside any transaction. */
  readonly kysely: Kysely<unknown>
  /** Whether a query gets an answer. */
  isReachable(): Promise<boolean>
}

/**
 * @param onWarning gets what the ORM wants to say, never a query
 * @throws DatabaseStartError when the database cannot be opened or written
 */
export async function openDatabase(
  config: Config['database'],
  onWarning: (message: string) => void,
): Promise<Database> {
  const options = ormOptions(onWarning)
  const driver = await (config.engine === 'sqlite'
    ? openSqlite(config.file, options)
    : openPostgresql(config.url, options))
  return {
    ...driver,
    kysely: driver.em.fork().getKysely(),
    isReachable: async () => (await driver.em.getConnection().checkConnection()).ok,
  }
}
