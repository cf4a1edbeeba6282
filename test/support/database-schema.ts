/** What the migrations of an engine have made, in one form for both. */
import type Sqlite from 'better-sqlite3'
import type { Client } from 'pg'

export interface Table {
  /** By name: kind of value, `null` where it may be absent, and the default. */
  readonly columns: Record<string, string>
  readonly primaryKey: string[]
  /** `columns -> table(columns), on update …, on delete …` */
  readonly foreignKeys: string[]
  /** By name: `unique (columns) where …`; those of primary keys left out. */
  readonly indexes: Record<string, string>
}

export type DatabaseSchema = Record<string, Table>

/** What an engine calls a type, as what is kept in it. SQLite keeps a boolean as a number. */
const kinds: Record<string, string> = {
  uuid: 'text',
  'character varying': 'text',
  text: 'text',
  bigint: 'number',
  integer: 'number',
  boolean: 'number',
  json: 'json',
  jsonb: 'json',
}

function describeColumn(type: string, isNullable: boolean, fallback: string | null): string {
  const kind = kinds[type]
  if (kind === undefined) throw new Error(`Say in ${import.meta.filename} what ${type} is`)
  const normalized = fallback
    ?.replace(/::[\w ]+$/, '')
    .replace(/^true$/i, '1')
    .replace(/^false$/i, '0')
  return `${kind}${isNullable ? ' null' : ''}${normalized == null ? '' : ` default ${normalized}`}`
}

function describeIndex(isUnique: boolean, columns: string, where: string | undefined): string {
  const condition = where
    ?.replaceAll(/::(text|character varying)/g, '')
    .replaceAll(/[()]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return `${isUnique ? 'unique ' : ''}(${columns})${condition === undefined ? '' : ` where ${condition}`}`
}

/** What the migrator keeps for itself. */
const isOurs = (table: string) => !/^(mikro_orm|sqlite)_/.test(table)

export function readSqliteSchema(database: Sqlite.Database): DatabaseSchema {
  const all = <Row>(sql: string, ...parameters: string[]) =>
    database.prepare<string[], Row>(sql).all(...parameters)
  const tables = all<{ name: string }>("select name from sqlite_master where type = 'table'")
  return Object.fromEntries(
    tables
      .filter(({ name }) => isOurs(name))
      .map(({ name: table }) => {
        const columns = all<{
          name: string
          type: string
          notnull: number
          dflt_value: string | null
          pk: number
        }>('select * from pragma_table_info(?)', table)
        const keys = all<{
          id: number
          table: string
          from: string
          to: string
          on_update: string
          on_delete: string
        }>('select * from pragma_foreign_key_list(?) order by id, seq', table)
        const indexes = all<{ name: string; unique: number; origin: string }>(
          'select * from pragma_index_list(?)',
          table,
        )
        return [
          table,
          {
            columns: Object.fromEntries(
              columns.map((column) => [
                column.name,
                describeColumn(column.type.toLowerCase(), column.notnull === 0, column.dflt_value),
              ]),
            ),
            primaryKey: columns
              .filter(({ pk }) => pk > 0)
              .toSorted((one, other) => one.pk - other.pk)
              .map(({ name }) => name),
            foreignKeys: [...new Set(keys.map(({ id }) => id))]
              .map((id) => keys.filter((key) => key.id === id))
              .map(
                (parts) =>
                  `${parts.map(({ from }) => from).join()} -> ${parts[0]!.table}(${parts.map(({ to }) => to).join()}), on update ${parts[0]!.on_update}, on delete ${parts[0]!.on_delete}`,
              )
              .toSorted(),
            indexes: Object.fromEntries(
              indexes
                .filter(({ origin }) => origin !== 'pk')
                .map(({ name, unique }) => {
                  const parts = all<{ name: string; desc: number }>(
                    'select name, "desc" from pragma_index_xinfo(?) where key = 1 order by seqno',
                    name,
                  )
                  const [made] = all<{ sql: string | null }>(
                    'select sql from sqlite_master where name = ?',
                    name,
                  )
                  return [
                    name,
                    describeIndex(
                      unique === 1,
                      parts.map((part) => part.name + (part.desc === 1 ? ' DESC' : '')).join(', '),
                      /\bwhere\b(.*)$/is.exec(made?.sql ?? '')?.[1],
                    ),
                  ]
                }),
            ),
          },
        ]
      }),
  )
}

const actions: Record<string, string> = {
  a: 'NO ACTION',
  r: 'RESTRICT',
  c: 'CASCADE',
  n: 'SET NULL',
  d: 'SET DEFAULT',
}

export async function readPostgresqlSchema(client: Client): Promise<DatabaseSchema> {
  const tables = await client.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public'",
  )
  const schema: Record<string, Table> = {}
  for (const { name: table } of tables.rows.filter(({ name }) => isOurs(name))) {
    const columns = await client.query<{
      name: string
      type: string
      nullable: boolean
      fallback: string | null
    }>(
      `select column_name as name, data_type as type, is_nullable = 'YES' as nullable,
          column_default as fallback
        from information_schema.columns where table_schema = 'public' and table_name = $1`,
      [table],
    )
    const primary = await client.query<{ name: string }>(
      `select a.attname as name from pg_index i
        cross join unnest(i.indkey) with ordinality as k (attnum, position)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
        where i.indrelid = $1::regclass and i.indisprimary order by k.position`,
      [table],
    )
    const keys = await client.query<{
      columns: string
      target: string
      references: string
      update: string
      delete: string
    }>(
      `select confrelid::regclass::text as target, confupdtype as update, confdeltype as delete,
          (select string_agg(a.attname, ',' order by k.position)
            from unnest(conkey) with ordinality as k (attnum, position)
            join pg_attribute a on a.attrelid = conrelid and a.attnum = k.attnum) as columns,
          (select string_agg(a.attname, ',' order by k.position)
            from unnest(confkey) with ordinality as k (attnum, position)
            join pg_attribute a on a.attrelid = confrelid and a.attnum = k.attnum) as "references"
        from pg_constraint where conrelid = $1::regclass and contype = 'f'`,
      [table],
    )
    const indexes = await client.query<{
      name: string
      unique: boolean
      columns: string
      condition: string | null
    }>(
      `select c.relname as name, i.indisunique as unique,
          pg_get_expr(i.indpred, i.indrelid) as condition,
          (select string_agg(pg_get_indexdef(i.indexrelid, position, true)
              || case when i.indoption[position - 1] & 1 = 1 then ' DESC' else '' end, ', ' order by position)
            from generate_series(1, i.indnkeyatts) as position) as columns
        from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid = $1::regclass and not i.indisprimary`,
      [table],
    )
    schema[table] = {
      columns: Object.fromEntries(
        columns.rows.map(({ name, type, nullable, fallback }) => [
          name,
          describeColumn(type, nullable, fallback),
        ]),
      ),
      primaryKey: primary.rows.map(({ name }) => name),
      foreignKeys: keys.rows
        .map(
          (key) =>
            `${key.columns} -> ${key.target}(${key.references}), on update ${actions[key.update]}, on delete ${actions[key.delete]}`,
        )
        .toSorted(),
      indexes: Object.fromEntries(
        indexes.rows.map(({ name, unique, columns: parts, condition }) => [
          name,
          describeIndex(unique, parts, condition ?? undefined),
        ]),
      ),
    }
  }
  return schema
}
