/** Puts a backup in the place of Latchkey's tables on PostgreSQL. */
import { sql } from 'kysely'
import { EventActor, EventKind } from '../core/audit/event.ts'
import { EventIds } from '../core/audit/event-id.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import type { PostgresqlConfig } from '../database/postgresql-client.ts'
import { refuseOtherClients } from './other-clients.ts'
import { tablesLeftOut } from './backup-tables.ts'
import { operatorName } from './operator-trail.ts'
import { literal, startTool, waitForTool } from './postgresql-tools.ts'
import { recordRestore } from './restore-trail.ts'
import { CommandError } from './run.ts'
import { withDatabase, withOpenDatabase } from './with-database.ts'

/** What happened is recorded in the transaction in which it happens. The values are variables of psql. */
const insertIfTrailIsThere = `select to_regclass('audit_events') is not null as has_trail \\gset
\\if :has_trail
insert into audit_events (id, type, occurred_at, actor, operator, sessions_ended)
  values (:'id', :'type', :'occurred_at', :'actor', :'operator', nullif(:'sessions_ended', '')::int);
\\endif
`

/**
 * In one transaction: until its end a server that is running sees what was there before. The transaction
 * is ended by what we write, not by psql at the end of its input, which also comes if we are killed.
 * @returns what else there is to say
 */
export async function restorePostgresql(
  backup: string,
  config: Config & { readonly database: PostgresqlConfig },
  isForced: boolean,
): Promise<string> {
  const { database: server } = config
  const { names, schema, sessionsEnded } = await withOpenDatabase(server, async (database) => {
    if (!isForced) await refuseOtherClients(database)
    return inspect(database)
  })
  await checkBackup(backup, schema, server)
  const now = Date.now()
  const event = {
    id: new EventIds().next(now),
    occurred_at: now,
    type: EventKind.DATABASE_RESTORED,
    actor: EventActor.OPERATOR,
    operator: operatorName(),
    sessions_ended: sessionsEnded ?? '',
  }
  const settings = Object.entries({ ...server.settings, search_path: `"${schema}"` }).map(
    ([name, value]) => `select set_config(${literal(name)}, ${literal(value)}, false);\n`,
  )
  const tables = [...names, 'mikro_orm_migrations']
  const before = [
    'set client_min_messages = warning;\n',
    ...settings,
    `begin;\ndrop table if exists ${tables.join(', ')} cascade;\n`,
  ]
  const after = [
    // The backup has emptied the search path.
    ...settings,
    ...tablesLeftOut.map(deleteIfThere),
    insertIfTrailIsThere,
    'commit;\n',
  ]
  await replay(backup, server, schema, { before: before.join(''), after: after.join(''), event })
  // A backup may be older than the program, and know of no trail yet.
  await withDatabase(config, async (database) => {
    const { rows } = await sql`select 1 from audit_events where id = ${event.id}`.execute(
      database.kysely,
    )
    if (rows.length === 0) await recordRestore(database, sessionsEnded)
  })
  return isForced ? '\nRestart the servers that were running.' : ''
}

interface Script {
  readonly before: string
  readonly after: string
  /** Variables of psql. */
  readonly event: Readonly<Record<string, string | number>>
}

/** pg_restore writes the backup as SQL, and psql executes it between the two parts of the script. */
async function replay(
  backup: string,
  server: PostgresqlConfig,
  schema: string,
  { after, before, event }: Script,
): Promise<void> {
  const reader = startTool(
    'pg_restore',
    ['--no-owner', '--no-privileges', `--schema=${schema}`, '--file=-', backup],
    server,
    ['ignore', 'pipe', 'inherit'],
  )
  const writer = startTool(
    'psql',
    [
      '--no-psqlrc',
      '--quiet',
      '--set=ON_ERROR_STOP=1',
      ...Object.entries(event).map(([name, value]) => `--set=${name}=${value}`),
      '--file=-',
    ],
    server,
    ['pipe', 'ignore', 'inherit'],
  )
  // What is written to one that has ended is lost; its end is what counts.
  writer.stdin!.on('error', () => {})
  writer.stdin!.write(before)
  reader.stdout!.pipe(writer.stdin!, { end: false })
  try {
    await Promise.all([
      waitForTool('pg_restore', reader).then(() => writer.stdin!.end(after)),
      waitForTool('psql', writer),
    ])
  } catch (error) {
    writer.kill('SIGKILL')
    reader.kill('SIGKILL')
    throw error
  }
}

/**
 * A backup of something else would replace every account by nothing.
 * @throws CommandError
 */
async function checkBackup(
  backup: string,
  schema: string,
  server: PostgresqlConfig,
): Promise<void> {
  const reader = startTool('pg_restore', ['--list', backup], server, ['ignore', 'pipe', 'inherit'])
  let list = ''
  reader.stdout!.setEncoding('utf8').on('data', (text: string) => {
    list += text
  })
  await waitForTool('pg_restore', reader)
  if (list.includes(` TABLE ${schema} users `)) return
  const other = / TABLE (.+) users /.exec(list)?.[1]
  throw new CommandError(
    other === undefined
      ? `${backup} is not a backup of Latchkey.`
      : `${backup} holds the schema ${other}, and the database has Latchkey in ${schema}: set DATABASE_SCHEMA to ${other}.`,
  )
}

/** A backup of an earlier version may not have the table. */
function deleteIfThere(table: string): string {
  return `do $$ begin if to_regclass('${table}') is not null then delete from ${table}; end if; end $$;\n`
}

/** @returns the tables of this version, since the backup may know fewer */
async function inspect({ em, kysely }: Database) {
  const entities = Array.from(em.getMetadata().getAll().values())
  const counted = await sql<{ count: string }>`select count(*) from sessions`
    .execute(kysely)
    .catch(() => undefined)
  const asked = await sql<{ schema: string }>`select current_schema() as schema`.execute(kysely)
  return {
    schema: asked.rows[0]!.schema,
    names: entities.map(({ tableName }) => tableName),
    sessionsEnded: counted && Number(counted.rows[0]!.count),
  }
}
