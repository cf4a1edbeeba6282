/** The connections to a PostgreSQL server: its address, encryption, and how long to wait for what. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { checkServerIdentity, createSecureContext, type ConnectionOptions } from 'node:tls'
import { Pool, type ClientBase, type PoolClient } from 'pg'
import type { Config } from '../config/config.ts'
import type { DatabaseTls, PostgresqlServer } from '../config/database.ts'
import {
  beginSession,
  connectionTimeoutMilliseconds,
  limitSilence,
  sessionSettings,
  type SessionSettings,
} from './postgresql-session.ts'
import { addressOf } from './postgresql-url.ts'
import { DatabaseStartError } from './start-error.ts'

export type PostgresqlConfig = Extract<Config['database'], { engine: 'postgresql' }>

/**
 * A server that is alive cancels a statement earlier. A network that swallows everything would
 * otherwise keep the connection, and its place in the pool, for a quarter of an hour.
 */
const silenceTimeoutMilliseconds = 9000

/** @throws DatabaseStartError if a certificate or key cannot be used */
export function createPool(
  server: PostgresqlServer,
  schema: string,
  size: { readonly min: number; readonly max: number },
): Pool {
  const pool = openPool(server, sessionSettings(server, schema), size)
  // Of a connection that is in use, each second of silence counts; an idle one is the pool's to close.
  pool.on('acquire', (client: PoolClient) => limitSilence(client, silenceTimeoutMilliseconds))
  pool.on('release', (_error: Error, client: PoolClient) => limitSilence(client, 0))
  return pool
}

/**
 * A migration waits no longer for a lock than a request does, since later statements queue behind it;
 * but it may work for as long as it takes, in silence.
 * @throws DatabaseStartError if a certificate or key cannot be used
 */
export function createMigrationPool(server: PostgresqlServer, schema: string): Pool {
  const settings = sessionSettings(server, schema, { statement_timeout: '0' })
  return openPool(server, settings, { min: 0, max: 2 })
}

function openPool(
  server: PostgresqlServer,
  settings: SessionSettings,
  size: { readonly min: number; readonly max: number },
): Pool {
  // The pool waits for it, which its type does not say.
  const hooks = { onConnect: (client: ClientBase) => beginSession(client, settings) }
  const pool = new Pool({ ...connectionOptions(server), ...size, ...hooks })
  // An error event without a listener would end the process. The pool throws a broken connection away,
  // and a statement that is under way on it fails with the same error.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** @throws DatabaseStartError if a certificate or key cannot be used */
export function connectionOptions({ url, tls }: PostgresqlServer) {
  const { applicationName, ...address } = addressOf(url)
  return {
    ...address,
    application_name: applicationName,
    connectionTimeoutMillis: connectionTimeoutMilliseconds,
    // Balancers and firewalls forget a connection that is silent for minutes.
    keepAlive: true,
    // Whatever else the environment says (PGSSLMODE).
    ssl: tls === undefined || tls.mode === 'disable' ? false : tlsOptions(tls, address.host),
  }
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
    // The driver names the host to TLS only if it is a name; of an address Node would compare
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
