/** The engine for many instances. */
import { randomBytes } from 'node:crypto'
import { MikroORM } from '@mikro-orm/postgresql'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { PostgresDialect } from 'kysely'
import type { ClientBase, Pool } from 'pg'
import { noteErrors } from './driver-errors.ts'
import type { Driver } from './driver.ts'
import { CarefulDialect } from './kysely-driver.ts'
import { migrations } from './migrations/postgresql/index.ts'
import type { OrmOptions } from './orm-options.ts'
import { createMigrationPool, createPool, type PostgresqlConfig } from './postgresql-client.ts'
import {
  cannotBeUsed,
  firstLine,
  inspectServer,
  sessionsDoNotLast,
} from './postgresql-inspection.ts'
import { DatabaseStartError } from './start-error.ts'
import { isUnavailable } from './unavailable.ts'

/** Any number that no other program takes for an advisory lock: the first bytes of "latchkey". */
export const migrationLock = 0x6c617463
/** SQLSTATE: since PostgreSQL 15 only the owner of a schema may create tables in it. */
const insufficientPrivilege = '42501'
/** SQLSTATE: a table or type, or something else, with the name of one of ours. */
const duplicates = /^(42P07|42710)$/
const migrationsTable = 'mikro_orm_migrations'

export async function openPostgresql(
  config: PostgresqlConfig,
  options: OrmOptions,
): Promise<Driver> {
  const { database: dbName, isReadOnly, schema } = await inspectServer(config)
  const common = {
    ...options.orm,
    dbName,
    // The migrator looks for its table in `public` unless the name says otherwise.
    migrations: {
      ...options.orm.migrations,
      migrationsList: [...migrations, ...options.migrationsOfFeatures.postgresql],
      tableName: `${schema}.${migrationsTable}`,
    },
  }
  // The connection that stays shows a restore that this server is running.
  const pool = createPool(config, schema, { min: 1, max: config.poolSize })
  const orm = new MikroORM({
    ...common,
    driverOptions: dialectOf(pool),
    replicas: config.replicas.map((replica) => ({
      driverOptions: dialectOf(createPool(replica, schema, { min: 0, max: config.poolSize })),
    })),
    // What decides anything is read where it is written; a reader that can wait says so.
    preferReadReplicas: false,
  })
  const connection = orm.em.getConnection()
  await connection.connect()
  // The pool is closed only if a statement went through the ORM.
  const check = await connection.checkConnection()
  if (!check.ok) {
    await orm.close(true)
    throw cannotBeUsed(check.error)
  }
  let hasMigrationsTable = false
  return {
    engine: 'postgresql',
    hasReplicas: config.replicas.length > 0,
    em: orm.em as unknown as SqlEntityManager,
    migrate: async () => {
      if (isReadOnly) throw onlyReads()
      // Connections of their own, one that holds the lock and one that migrates: the pool may have a
      // single one, and a migration of millions of rows is not a request.
      const ownPool = createMigrationPool(config, schema)
      const migrating = new MikroORM({ ...common, driverOptions: dialectOf(ownPool) })
      try {
        await noteErrors(() => migrateAlone(migrating, ownPool, schema))
      } catch (error) {
        throw explainMigration(error, schema)
      } finally {
        await migrating.close(true)
      }
    },
    hasPendingMigrations: async () => {
      // The migrator creates its table when it is missing, even if it is only asked.
      hasMigrationsTable ||= await noteErrors(() => hasTable(pool, migrationsTable))
      return !hasMigrationsTable || (await orm.migrator.getPending()).length > 0
    },
    countConnections: () => ({
      used: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    prepareRead: prepareReads(pool),
    close: () => orm.close(true),
  }
}

/** A function, because the ORM makes a deep copy of any other value. */
function dialectOf(pool: Pool): () => CarefulDialect {
  return () => new CarefulDialect(new PostgresDialect({ pool }))
}

function prepareReads(pool: Pool): Driver['prepareRead'] {
  // A pooler that resets nothing would give the statements of a former process.
  const prefix = `latchkey_${randomBytes(6).toString('hex')}`
  let count = 0
  return <Row>(sql: string) => {
    const name = `${prefix}_${++count}`
    const text = sql.replace('?', '$1')
    return async (parameter: string) => {
      const result = await noteErrors(() => pool.query({ name, text, values: [parameter] }))
      return result.rows[0] as Row | undefined
    }
  }
}

/** Servers that start at the same time migrate one after the other, however long it takes. */
async function migrateAlone(orm: MikroORM, pool: Pool, schema: string): Promise<void> {
  await orm.em.getConnection().connect()
  const lock = await pool.connect()
  try {
    await lock.query('set lock_timeout = 0')
    await lock.query('select pg_advisory_lock($1)', [migrationLock])
    await refuseOtherTables(orm, lock, schema)
    await orm.migrator.up()
    const { rows } = await lock.query<{ unlocked: boolean }>(
      'select pg_advisory_unlock($1) as unlocked',
      [migrationLock],
    )
    if (!rows[0]!.unlocked) throw sessionsDoNotLast()
  } finally {
    // Closed, not returned: that releases the lock if the statement above was not reached.
    lock.release(true)
  }
}

/**
 * Before the first migration, nothing of ours is there. The migrator would notice only after it has
 * created its own table.
 * @throws DatabaseStartError
 */
async function refuseOtherTables(orm: MikroORM, client: ClientBase, schema: string): Promise<void> {
  if (await hasTable(client, migrationsTable)) return
  const names = Array.from(orm.getMetadata().getAll().values(), ({ tableName }) => tableName)
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
        where relnamespace = (select oid from pg_namespace where nspname = $1) and relname = any ($2)
      union select typname from pg_type
        where typnamespace = (select oid from pg_namespace where nspname = $1) and typname = any ($2)
      order by name`,
    [schema, names],
  )
  if (rows.length > 0) {
    throw belongsToAnother(schema, rows.map(({ name }) => name).join(', '))
  }
}

async function hasTable(client: ClientBase | Pool, name: string): Promise<boolean> {
  const { rows } = await client.query<{ exists: boolean }>(
    'select to_regclass($1) is not null as exists',
    [name],
  )
  return rows[0]!.exists
}

function explainMigration(error: unknown, schema: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === insufficientPrivilege) {
    return new DatabaseStartError(
      `The role of DATABASE_URL may not create or change tables in the schema ${schema}: make it the schema's owner, or grant it CREATE on the schema.`,
      { cause: error },
    )
  }
  if (duplicates.test(String(code))) return belongsToAnother(schema, firstLine(message), error)
  return isUnavailable(error) ? cannotBeUsed(error) : error
}

function belongsToAnother(schema: string, what: string, cause?: unknown): DatabaseStartError {
  return new DatabaseStartError(
    `The schema ${schema} has tables that belong to another application (${what}): give Latchkey a database of its own, or a schema of its own with DATABASE_SCHEMA.`,
    { cause },
  )
}

function onlyReads(): DatabaseStartError {
  return new DatabaseStartError(
    'The PostgreSQL server of DATABASE_URL only accepts reads: name the primary server, not a replica, and leave default_transaction_read_only off.',
  )
}
