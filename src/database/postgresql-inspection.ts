/** What a start has to know about the PostgreSQL server before it uses it, and what it refuses there. */
import { Client } from 'pg'
import { connectionOptions, type PostgresqlConfig } from './postgresql-client.ts'
import { beginSession, sessionSettings } from './postgresql-session.ts'
import { DatabaseStartError } from './start-error.ts'

export interface Inspection {
  /** Where the tables of Latchkey are, and the only place where they are looked for. */
  readonly schema: string
  /** As the server calls it; a pooler may have another name for it. */
  readonly database: string
  /** A replica, or a server, database or role that is set to read only. */
  readonly isReadOnly: boolean
}

/** PostgreSQL 13. */
const oldestVersion = 130_000
/** A busy pooler may give the same server by chance, but hardly each time. */
const sessionChecks = 5
/** SQLSTATE of what PgBouncer itself says. */
const protocolViolation = '08P01'

/** @throws DatabaseStartError */
export async function inspectServer(config: PostgresqlConfig): Promise<Inspection> {
  const { client, values } = await connect(config)
  try {
    const facts = await readFacts(client, config)
    if (facts.version < oldestVersion) {
      throw new DatabaseStartError(
        `The server of DATABASE_URL is PostgreSQL ${facts.versionName}: 13 or newer is needed.`,
      )
    }
    if (values.some((value, index) => value !== facts.settings[index])) throw sessionsDoNotLast()
    // A pooler hands out keys of its own.
    const { processID } = client as { processID?: number | null }
    if (processID !== facts.pid) await checkThatSessionsLast(config, client, facts.pid)
    return {
      schema: checkedSchema(config, facts),
      database: facts.database,
      isReadOnly: facts.isReadOnly,
    }
  } catch (error) {
    throw error instanceof DatabaseStartError ? error : cannotBeUsed(error)
  } finally {
    await client.end()
  }
}

/** Names the server's or the network's reason, in which no password occurs. */
export function cannotBeUsed(error: unknown): DatabaseStartError {
  // If every address of a name was tried in vain, Node's error has a code and no message.
  const { code, message } = error as NodeJS.ErrnoException
  const reason = describeNetworkError(error as NetworkError) ?? (firstLine(message) || code)
  return new DatabaseStartError(
    `The PostgreSQL server of DATABASE_URL cannot be used: ${reason}.`,
    { cause: error },
  )
}

interface NetworkError extends NodeJS.ErrnoException {
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
}

function describeNetworkError({ address, code, hostname, port }: NetworkError): string | undefined {
  if (code === 'ECONNREFUSED') {
    const where = [address ?? 'its host and port', ...(port === undefined ? [] : [port])].join(':')
    return `nothing listens on ${where}. Start the server, or correct the host and the port (${code})`
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `its host ${hostname} cannot be found. Correct the host, or check DNS (${code})`
  }
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return `its host cannot be reached. Correct the host, or check the network and its firewalls (${code})`
  }
  return undefined
}

/** The ORM appends details and hints. */
export function firstLine(message: string): string {
  return message.split('\n', 1)[0]!
}

export function sessionsDoNotLast(): DatabaseStartError {
  return new DatabaseStartError(
    'The pooler in front of the PostgreSQL server of DATABASE_URL changes the session between two transactions: set it to session mode (PgBouncer: pool_mode = session).',
  )
}

async function connect(config: PostgresqlConfig): Promise<{ client: Client; values: string[] }> {
  const client = new Client(connectionOptions(config))
  // What fails later fails the query as well.
  client.on('error', () => {})
  try {
    await client.connect()
    const values = await beginSession(client, sessionSettings(config, config.schema))
    return { client, values }
  } catch (error) {
    await client.end()
    throw cannotBeUsed(error)
  }
}

interface Facts {
  readonly schema: string | null
  readonly database: string
  readonly role: string
  readonly pid: number
  readonly isReadOnly: boolean
  readonly version: number
  readonly versionName: string
  readonly settings: readonly string[]
}

async function readFacts(client: Client, config: PostgresqlConfig): Promise<Facts> {
  const { rows } = await client.query<Facts>(
    `select current_schema() as schema, current_database() as database, current_user as role,
      pg_backend_pid() as pid,
      current_setting('transaction_read_only')::boolean as "isReadOnly",
      current_setting('server_version_num')::int as version,
      current_setting('server_version') as "versionName",
      array(
        select current_setting(name) from unnest($1::text[]) with ordinality as setting (name, position)
        order by position
      ) as settings`,
    [Object.keys(sessionSettings(config, config.schema))],
  )
  return rows[0]!
}

/**
 * While another session has a transaction open, a pooler that only lends servers for a transaction has to
 * give this one a server of its own.
 */
async function checkThatSessionsLast(
  config: PostgresqlConfig,
  first: Client,
  firstPid: number,
): Promise<void> {
  const { client: second } = await connect(config).catch((error: unknown) => {
    throw new DatabaseStartError(
      'The pooler in front of the PostgreSQL server of DATABASE_URL gives no second connection: its pool must have room for DATABASE_POOL_SIZE connections of each process, and two more while one starts.',
      { cause: error },
    )
  })
  try {
    for (let check = 0; check < sessionChecks; check += 1) {
      if ((await readPid(second)) === firstPid) throw sessionsDoNotLast()
      await second.query('begin')
      if ((await readPid(first)) !== firstPid) throw sessionsDoNotLast()
      await second.query('rollback')
    }
  } catch (error) {
    // In statement mode PgBouncer refuses transactions.
    throw (error as { code?: unknown }).code === protocolViolation ? sessionsDoNotLast() : error
  } finally {
    await second.end()
  }
}

async function readPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]!.pid
}

function checkedSchema(config: PostgresqlConfig, { role, schema }: Facts): string {
  if (schema !== null) {
    if (!/[".*]/.test(schema)) return schema
    throw new DatabaseStartError(
      `The schema ${schema} has a quote, a dot or an asterisk in its name, which Latchkey cannot use: set DATABASE_SCHEMA to another one.`,
    )
  }
  if (config.schema === undefined) {
    throw new DatabaseStartError(
      'No schema in the search path of the role in DATABASE_URL exists and may be used by it: create one, or set DATABASE_SCHEMA.',
    )
  }
  throw new DatabaseStartError(
    `The schema of DATABASE_SCHEMA does not exist, or the role of DATABASE_URL may not use it. To create it: create schema "${config.schema}" authorization "${role}".`,
  )
}
