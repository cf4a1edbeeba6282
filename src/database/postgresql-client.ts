/** What the driver is told about a PostgreSQL server: its address, encryption, and how long to wait for what. */
import { readFileSync } from 'node:fs'
import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, createSecureContext, type ConnectionOptions } from 'node:tls'
import type { DatabaseTls, PostgresqlServer } from '../config.database.ts'
import { hostOf } from './postgresql-url.ts'
import { DatabaseStartError } from './start-error.ts'

/** No statement may hold a request for longer than the request itself may take. */
const timeouts = {
  connectionTimeoutMillis: 5000,
  statement_timeout: 8000,
  lock_timeout: 5000,
  idle_in_transaction_session_timeout: 10_000,
}
/** Whatever the server's own setting: off, a crash of it would undo what a client was told of. */
const durable = '-c synchronous_commit=on'
/**
 * A server that lives has given up a statement before. A network that swallows everything would
 * otherwise keep the connection, and its place in the pool, for a quarter of an hour.
 */
const silenceTimeoutMilliseconds = 9000

/** The part of pg's pool that is used here; it comes with the ORM. */
interface Pool {
  on(event: 'connect' | 'acquire', listener: (client: Client) => void): unknown
  on(event: 'release', listener: (error: unknown, client: Client) => void): unknown
}
interface Client {
  readonly connection: { readonly stream: Socket }
}

/** @throws DatabaseStartError where a certificate or key cannot be used */
export function clientOptions(server: PostgresqlServer) {
  return { ...connectionOptions(server), ...timeouts, onPoolCreated: endSilentConnections }
}

/**
 * A migration waits for no lock for longer than a request does, since whoever comes after it waits
 * behind it; but it may work for as long as it takes, in silence.
 * @throws DatabaseStartError where a certificate or key cannot be used
 */
export function migrationOptions(server: PostgresqlServer) {
  return { ...connectionOptions(server), ...timeouts, statement_timeout: 0 }
}

function connectionOptions({ url, tls }: PostgresqlServer) {
  const { address, options } = splitOptions(url)
  return {
    // The ORM takes no more of the address than host and name.
    connectionString: address,
    // Of two settings of one name the last counts.
    options: [options, durable].filter((text) => text !== '').join(' '),
    fallback_application_name: 'latchkey',
    // Whatever else the environment says (PGSSLMODE).
    ssl: tls === undefined || tls.mode === 'disable' ? false : tlsOptions(tls, hostOf(url)),
  }
}

/** Of a connection that is in use, each second of silence counts; an idle one is the pool's to close. */
function endSilentConnections(pool: Pool): void {
  pool.on('connect', ({ connection: { stream } }) => {
    stream.on('timeout', () => {
      const error = new Error('The database server does not answer')
      // As the system would say, had one waited for it: another attempt may succeed.
      stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    })
  })
  pool.on('acquire', (client) => limitSilence(client, silenceTimeoutMilliseconds))
  pool.on('release', (_error, client) => limitSilence(client, 0))
}

/** @param milliseconds 0 for no limit */
function limitSilence(client: Client, milliseconds: number): void {
  client.connection.stream.setTimeout(milliseconds)
}

/** In the address they would take the place of ours: the driver lets it have the last word. */
function splitOptions(url: string): { address: string; options: string } {
  const address = new URL(url)
  const options = address.searchParams.get('options')
  if (options === null) return { address: url, options: '' }
  address.searchParams.delete('options')
  return { address: address.href, options }
}

function tlsOptions(tls: DatabaseTls, host: string): ConnectionOptions {
  const { client, mode, rootCertificateFile } = tls
  const options = {
    ...(rootCertificateFile !== undefined && { ca: readPem('sslrootcert', rootCertificateFile) }),
    ...(client && {
      cert: readPem('sslcert', client.certificateFile),
      key: readPem('sslkey', client.keyFile),
    }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new DatabaseStartError(
      `The certificates of DATABASE_URL cannot be used: ${(error as Error).message}.`,
      { cause: error },
    )
  }
  return {
    ...options,
    rejectUnauthorized: mode !== 'require',
    // The driver names the host to TLS only where it is a name; of an address Node would compare
    // `localhost` with the certificate.
    checkServerIdentity: (_name, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
    ...(isIP(host) === 0 && { servername: host }),
  }
}

function readPem(parameter: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new DatabaseStartError(
      `The file ${file}, ${parameter} of DATABASE_URL, cannot be read: ${String((error as NodeJS.ErrnoException).code)}.`,
      { cause: error },
    )
  }
  if (/-----BEGIN [A-Z ]+-----/.test(text)) return text
  throw new DatabaseStartError(
    `The file ${file}, ${parameter} of DATABASE_URL, is not in PEM format.`,
  )
}
