// The connection to PostgreSQL, encrypted and not, to a server whose certificate we have made.
import { chownSync, statSync, writeFileSync } from 'node:fs'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { join } from 'node:path'
import { sql } from 'kysely'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/database.ts'
import { createAuthority } from '../support/certificates.ts'
import { needs } from '../support/needs.ts'
import { startPostgresql, type PostgresqlServer } from '../support/postgresql.ts'
import { temporaryFolder } from '../support/process.ts'
import { testAppSecret as APP_SECRET } from '../support/server.ts'

const folder = temporaryFolder()
const file = (name: string) => join(folder, name)

let server: PostgresqlServer
let admin: Client
beforeAll(async () => {
  server = await startPostgresql(['fsync=off'])
  admin = new Client({ connectionString: server.url })
  await admin.connect()
  const authority = await createAuthority('Authority of the tests')
  const stranger = await createAuthority('Authority of somebody else')
  const files = {
    'root.crt': authority.certificate,
    'stranger.crt': stranger.certificate,
    'nonsense.crt': 'not in PEM',
    'damaged.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(file(name), text)
  const clients = await authority.sign(['client.test'], 'postgres')
  writeFileSync(file('client.crt'), clients.certificate)
  writeFileSync(file('client.key'), clients.key)
  // Another name in its subject: what counts are the alternative names.
  const own = await authority.sign(['127.0.0.1'], 'db.test')
  const data = (await admin.query('show data_directory')).rows[0].data_directory as string
  const { gid, uid } = statSync(data)
  const serverFiles = {
    'server.crt': own.certificate,
    'server.key': own.key,
    'clients.crt': authority.certificate,
  }
  for (const [name, text] of Object.entries(serverFiles)) {
    writeFileSync(join(data, name), text, { mode: 0o600 })
    chownSync(join(data, name), uid, gid)
  }
  await admin.query("alter system set ssl_ca_file = 'clients.crt'")
  await setEncryption('on')
})
afterAll(async () => {
  await admin.end()
  await server.stop()
})

/** Has the running server offer TLS, or no more, and waits until new connections see it. */
async function setEncryption(value: 'on' | 'off') {
  await admin.query(`alter system set ssl = ${value}`)
  await admin.query('select pg_reload_conf()')
  await vi.waitFor(
    async () => {
      const isOffered = await connect('?sslmode=require').then(
        () => 'on',
        () => 'off',
      )
      expect(isOffered).toBe(value)
    },
    { timeout: 20_000 },
  )
}

interface Connection {
  readonly ssl: boolean
  readonly client_dn: string | null
}

/** Connects as the server of Latchkey would. */
async function connect(parameters: string, host = '127.0.0.1'): Promise<Connection> {
  const url = new URL(server.url)
  url.hostname = host
  const { database: settings } = loadConfig({ APP_SECRET, DATABASE_URL: url.href + parameters })
  const database = await openDatabase(settings, databaseOptions, () => {})
  try {
    const { rows } = await sql<Connection>`select ssl, client_dn from pg_stat_ssl
      where pid = pg_backend_pid()`.execute(database.kysely)
    return rows[0]!
  } finally {
    await database.close()
  }
}

const plain = { ssl: false, client_dn: null }
const encrypted = { ssl: true, client_dn: null }

describe('a connection to PostgreSQL', needs('PostgreSQL from npm'), () => {
  it.each([
    ['', '127.0.0.1', plain],
    ['?sslmode=disable', '127.0.0.1', plain],
    ['?sslmode=require', '127.0.0.1', encrypted],
    ['?sslmode=require', 'localhost', encrypted],
    ['?sslmode=require&sslrootcert=ROOT', 'localhost', encrypted],
    ['?sslmode=verify-ca&sslrootcert=ROOT', '127.0.0.1', encrypted],
    ['?sslmode=verify-ca&sslrootcert=ROOT', 'localhost', encrypted],
    ['?sslmode=verify-full&sslrootcert=ROOT', '127.0.0.1', encrypted],
    ['?sslmode=verify-full&sslrootcert=ROOT&application_name=a', '127.0.0.1', encrypted],
  ])('with %s to %s is as it says', async (parameters, host, expected) => {
    expect(await connect(parameters.replace('ROOT', file('root.crt')), host)).toEqual(expected)
  })

  it('shows its own certificate if it is given one', async () => {
    const own = `&sslcert=${file('client.crt')}&sslkey=${file('client.key')}`
    expect(await connect(`?sslmode=require${own}`)).toEqual({
      ssl: true,
      client_dn: '/CN=postgres',
    })
  })

  it.each([
    // Node, told no name, would compare `localhost` with the certificate.
    ['verify-full&sslrootcert=root.crt', 'localhost', /cannot be used: .*Host: localhost. is not/],
    ['verify-full&sslrootcert=stranger.crt', '127.0.0.1', /cannot be used: .*(certificate|issuer)/],
    ['verify-ca&sslrootcert=stranger.crt', '127.0.0.1', /cannot be used: .*(certificate|issuer)/],
    ['require&sslrootcert=stranger.crt', '127.0.0.1', /cannot be used: .*(certificate|issuer)/],
    ['verify-full', '127.0.0.1', /cannot be used: .*(certificate|issuer)/],
    ['verify-full&sslrootcert=system', '127.0.0.1', /cannot be used: .*(certificate|issuer)/],
    [
      'verify-full&sslrootcert=nowhere.crt',
      '127.0.0.1',
      /nowhere\.crt, sslrootcert of .* cannot be read: ENOENT/,
    ],
    [
      'verify-full&sslrootcert=nonsense.crt',
      '127.0.0.1',
      /nonsense\.crt, sslrootcert .* is not in PEM/,
    ],
    [
      'require&sslcert=client.crt&sslkey=damaged.crt',
      '127.0.0.1',
      /The certificates of DATABASE_URL cannot be used/,
    ],
  ])('with sslmode=%s to %s is refused before anything is said', async (mode, host, message) => {
    const parameters = mode.replaceAll(/=([\w.]+\.(?:crt|key))/g, (_, name) => `=${file(name)}`)
    await expect(connect(`?sslmode=${parameters}`, host)).rejects.toThrow(message)
  })

  it('that has to be encrypted is refused by a server that cannot', async () => {
    await setEncryption('off')
    await expect(connect('?sslmode=require')).rejects.toThrow(
      /cannot be used: The server does not support SSL connections/,
    )
    expect(await connect('')).toEqual(plain)
    await setEncryption('on')
  })
})
