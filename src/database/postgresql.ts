/** The engine for many instances. */
import { MikroORM } from '@mikro-orm/postgresql'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import type { Driver } from './driver.ts'
import { Providers } from './migrations/postgresql/0002-providers.ts'
import { Initial } from './migrations/postgresql/0001-initial.ts'
import type { OrmOptions } from './orm-options.ts'
import { DatabaseStartError } from './start-error.ts'

/** No statement may hold a request for longer than the request itself may take. */
const timeouts = {
  connectionTimeoutMillis: 5000,
  statement_timeout: 8000,
  lock_timeout: 5000,
  idle_in_transaction_session_timeout: 10_000,
}

export async function openPostgresql(url: string, options: OrmOptions): Promise<Driver> {
  const orm = new MikroORM({
    ...options,
    clientUrl: url,
    driverOptions: timeouts,
    pool: { min: 0, max: 10 },
    migrations: { ...options.migrations, migrationsList: [Initial, Providers] },
  })
  const connection = orm.em.getConnection()
  await connection.connect()
  const check = await connection.checkConnection()
  if (!check.ok) {
    await orm.close(true)
    throw new DatabaseStartError(
      `The PostgreSQL server of DATABASE_URL cannot be used: ${check.reason}.`,
      { cause: check.error },
    )
  }
  const pool = await connection.getNativeClient()
  let preparedCount = 0
  return {
    engine: 'postgresql',
    em: orm.em as unknown as SqlEntityManager,
    migrate: async () => void (await orm.migrator.up()),
    prepareRead: <Row>(sql: string) => {
      const name = `latchkey_${++preparedCount}`
      const text = sql.replace('?', '$1')
      return async (parameter: string) => {
        const result = await pool.query({ name, text, values: [parameter] })
        return result.rows[0] as Row | undefined
      }
    },
    close: () => orm.close(true),
  }
}
