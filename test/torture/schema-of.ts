import type { LabDatabase } from './lab.ts'

const catalogues = {
  sqlite: [
    `select type, name, tbl_name, sql from sqlite_master order by type, name`,
    `select name from mikro_orm_migrations order by id`,
  ],
  postgresql: [
    `select table_name, column_name, data_type, is_nullable, column_default,
        character_maximum_length, ordinal_position
      from information_schema.columns where table_schema = 'public'
      order by table_name, ordinal_position`,
    `select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
      order by indexname`,
    `select conrelid::regclass::text as "table", conname, pg_get_constraintdef(oid) as definition
      from pg_constraint where connamespace = 'public'::regnamespace order by conname`,
    `select name from mikro_orm_migrations order by id`,
  ],
} as const

/** Everything that the engine's catalogue says of tables, columns, indexes, constraints and migrations. */
export async function schemaOf(database: LabDatabase): Promise<string> {
  const parts = []
  for (const sql of catalogues[database.engine]) parts.push(await database.query(sql))
  return JSON.stringify(parts, null, 1)
}
