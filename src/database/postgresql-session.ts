/**
 * What each connection to PostgreSQL sets once it is open. Not in the startup packet: PgBouncer and
 * RDS Proxy refuse most of what could be there (docs/adr/0038).
 */
import type { Socket } from 'node:net'
import type { ClientBase } from 'pg'
import type { PostgresqlServer, reservedSettings } from '../config/database.ts'

export type SessionSettings = Readonly<Record<string, string>>

/** No statement may hold a request for longer than the request itself may take. */
const ownSettings: Readonly<Record<(typeof reservedSettings)[number], string>> = {
  statement_timeout: '8s',
  lock_timeout: '5s',
  idle_in_transaction_session_timeout: '10s',
  // Whatever the server's own setting: off, a crash could undo a commit that a client has seen.
  synchronous_commit: 'on',
}
/** Of a new connection, until it can be used. */
export const connectionTimeoutMilliseconds = 5000

/**
 * @param schema what the search path consists of; absent while it is unknown
 * @param overrides of our own settings
 */
export function sessionSettings(
  server: PostgresqlServer,
  schema: string | undefined,
  overrides: SessionSettings = {},
): SessionSettings {
  return {
    ...server.settings,
    ...ownSettings,
    ...overrides,
    ...(schema !== undefined && { search_path: `"${schema}"` }),
  }
}

/**
 * Sets everything in one statement.
 * @returns the settings as the server spells them, in their order
 */
export async function beginSession(
  client: ClientBase,
  settings: SessionSettings,
): Promise<string[]> {
  // The pool's own limit ends with the login; behind a pooler, that is before there is a server.
  endSilence(client)
  limitSilence(client, connectionTimeoutMilliseconds)
  const { rows } = await client.query<{ value: string }>(
    `select set_config(name, value, false) as value
      from unnest($1::text[], $2::text[]) as setting (name, value)`,
    [Object.keys(settings), Object.values(settings)],
  )
  limitSilence(client, 0)
  return rows.map(({ value }) => value)
}

/** @param milliseconds for which the server may be silent; 0 for no limit */
export function limitSilence(client: ClientBase, milliseconds: number): void {
  streamOf(client).setTimeout(milliseconds)
}

function endSilence(client: ClientBase): void {
  const stream = streamOf(client)
  stream.on('timeout', () => {
    const error = new Error('The database server does not answer')
    // The code that the system would give later: another attempt may succeed.
    stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
  })
}

/** The driver has no public name for it. */
function streamOf(client: ClientBase): Socket {
  return (client as unknown as { readonly connection: { readonly stream: Socket } }).connection
    .stream
}
