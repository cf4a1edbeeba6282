/** The engine for many instances. */
import { MikroORM } from '@mikro-orm/postgresql'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import type { Config } from '../config.ts'
import { noteErrors } from './driver-errors.ts'
import type { Driver } from './driver.ts'
import { changeDriver } from './kysely-driver.ts'
import { migrations } from './migrations/postgresql/index.ts'
import type { OrmOptions } from './orm-options.ts'
import { clientOptions, migrationOptions } from './postgresql-client.ts'
import { DatabaseStartError } from './start-error.ts'

/** Any number that no other program takes for an advisory lock: the first bytes of "latchkey". */
export const migrationLock = 0x6c617463
/** Since PostgreSQL 15 a role may make tables only where it is the owner. */
const insufficientPrivilege = '42501'
/** SQLSTATE of a server that takes no more connections: too many, or it is stopping or starting. */
const noConnection = /^(53300|57P03)$/

export type PostgresqlConfig = Extract<Config['database'], { engine: 'postgresql' }>

export async function openPostgresql(
  config: PostgresqlConfig,
  options: OrmOptions,
): Promise<Driver> {
  const poolOptions = { min: 0, max: config.poolSize }
  const common = {
    ...options,
    clientUrl: config.url,
    migrations: { ...options.migrations, migrationsList: migrations },
  }
  const orm = new MikroORM({
    ...common,
    driverOptions: clientOptions(config),
    pool: poolOptions,
    replicas: config.replicas.map((replica) => ({
      clientUrl: replica.url,
      driverOptions: clientOptions(replica),
      pool: poolOptions,
    })),
    // What decides anything is read where it is written; a reader that can wait says so.
    preferReadReplicas: false,
  })
  const connection = orm.em.getConnection()
  changeDriver(connection)
  await connection.connect()
  const check = await connection.checkConnection()
  if (!check.ok) {
    await orm.close(true)
    throw cannotBeUsed(check.error)
  }
  const pool = await connection.getNativeClient()
  let preparedCount = 0
  return {
    engine: 'postgresql',
    hasReplicas: config.replicas.length > 0,
    em: orm.em as unknown as SqlEntityManager,
    migrate: async () => {
      // Connections of their own, one that holds the lock and one that migrates: the pool may have a
      // single one, and a migration of millions of rows is no request.
      const migrating = new MikroORM({
        ...common,
        driverOptions: migrationOptions(config),
        pool: { min: 0, max: 2 },
      })
      try {
        await migrateAlone(migrating)
      } catch (error) {
        const { code } = error as { code?: unknown }
        if (noConnection.test(String(code))) throw cannotBeUsed(error)
        if (code !== insufficientPrivilege) throw error
        throw new DatabaseStartError(
          'The role of DATABASE_URL may not make or change tables: make it the owner of its database, or grant it CREATE on the schema.',
          { cause: error },
        )
      } finally {
        await migrating.close(true)
      }
      // With its first question a migrator makes its table where that is missing. Asked now, it makes
      // none later, where somebody only wants to know.
      await orm.migrator.getPending()
    },
    hasPendingMigrations: async () => (await orm.migrator.getPending()).length > 0,
    countConnections: () => ({
      used: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    prepareRead: <Row>(sql: string) => {
      const name = `latchkey_${++preparedCount}`
      const text = sql.replace('?', '$1')
      return async (parameter: string) => {
        const result = await noteErrors(() => pool.query({ name, text, values: [parameter] }))
        return result.rows[0] as Row | undefined
      }
    },
    close: () => orm.close(true),
  }
}

/** Servers that start at the same time migrate one after the other, however long it takes. */
async function migrateAlone(orm: MikroORM): Promise<void> {
  const connection = orm.em.getConnection()
  await connection.connect()
  const lock = await (await connection.getNativeClient()).connect()
  try {
    await lock.query('set lock_timeout = 0')
    await lock.query('select pg_advisory_lock($1)', [migrationLock])
    await orm.migrator.up()
  } finally {
    // Closed, not returned: that lets go of the lock.
    lock.release(true)
  }
}

/** Names the server's or the network's reason, in which no password occurs. */
function cannotBeUsed(error: unknown): DatabaseStartError {
  // Where every address of a name was tried in vain, Node's error has a code and no message.
  const { code, message } = error as NodeJS.ErrnoException
  return new DatabaseStartError(
    `The PostgreSQL server of DATABASE_URL cannot be used: ${message || code}.`,
    { cause: error },
  )
}
