/** The options of the ORM that both engines have in common. */
import type { Constructor, EntityName, MigrationObject } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import type { Engine } from './driver.ts'

export type { MigrationObject }
export type EntityClass = EntityName & Constructor<object>

/** What the features bring. */
export interface DatabaseOptions {
  readonly entities: readonly EntityClass[]
  /** In the order in which they run, after those of database/migrations. */
  readonly migrations: Readonly<Record<Engine, readonly MigrationObject[]>>
}

export type OrmOptions = ReturnType<typeof ormOptions>

/** @param onWarning gets what the ORM wants to say, never a query */
export function ormOptions(
  { entities, migrations }: DatabaseOptions,
  onWarning: (message: string) => void,
) {
  return {
    orm: {
      entities: [...entities],
      extensions: [Migrator],
      logger: onWarning,
      // A database whose name is misspelt must not come into being.
      ensureDatabase: false,
      migrations: { snapshot: false, silent: true },
    },
    migrationsOfFeatures: migrations,
  }
}
