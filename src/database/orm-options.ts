/** What the ORM is told on either engine. */
import { Migrator } from '@mikro-orm/migrations'
import { entities } from '../core/entities.ts'

export type OrmOptions = ReturnType<typeof ormOptions>

/** @param onWarning gets what the ORM wants to say, never a query */
export function ormOptions(onWarning: (message: string) => void) {
  return {
    entities,
    extensions: [Migrator],
    logger: onWarning,
    // A database whose name is misspelt must not come into being.
    ensureDatabase: false,
    migrations: { snapshot: false, silent: true },
  }
}
