/** What the driver is told about a PostgreSQL server: its address, encryption, and how long to wait for what. */
import { readFileSync } from 'node:fs'
import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, createSecureContext, type ConnectionOptions } from 'node:tls'
import type { DatabaseTls, PostgresqlServer } from '../config.database.ts'
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
export function clientOptions({ url, tls }: PostgresqlServer) {
  return {
    // The ORM takes no more of the address than host and name.
    connectionString: url,
    options: durable,
    ...timeouts,
    fallback_application_name: 'latchkey',
    // Whatever else the environment says (PGSSLMODE).
    ssl: tls === undefined || tls.mode === 'disable' ? false : tlsOptions(tls, hostOf(url)),
    onPoolCreated: endSilentConnections,
  }
}

/** Of a connection that is in use, each second of silence counts; an idle one is the pool's to close. */
function endSilentConnections(pool: Pool): void {
  pool.on('connect', ({ connection: { stream } }) => {
    stream.on('timeout', () => stream.destroy(new Error('The database server does not answer')))
  })
  pool.on('acquire', (client) => limitSilence(client, silenceTimeoutMilliseconds))
  pool.on('release', (_error, client) => limitSilence(client, 0))
}

/** @param client of a pool, in use @param milliseconds 0 for no limit */
export function limitSilence(client: unknown, milliseconds: number): void {
  ;(client as Client).connection.stream.setTimeout(milliseconds)
}

function hostOf(url: string): string {
  const { hostname, searchParams } = new URL(url)
  return searchParams.get('host') ?? decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1')
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
