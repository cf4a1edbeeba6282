// Starts on a PostgreSQL server that cannot be used as it is: each ends in one sentence without the password.
import { connect, createServer, type AddressInfo } from 'node:net'
import { Transform } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { describeStartError } from '../../src/process/start-error.ts'
import { needs } from '../support/needs.ts'
import { createDatabaseAt, queryPostgresql } from '../support/postgresql-client.ts'
import { startPostgresql, type PostgresqlServer } from '../support/postgresql.ts'
import { testAppSecret as APP_SECRET } from '../support/server.ts'

let server: PostgresqlServer
let databaseUrl: string
beforeAll(async () => {
  server = await startPostgresql(['fsync=off'])
  databaseUrl = await createDatabaseAt(server.url, 'failing')
  await queryPostgresql(
    databaseUrl,
    "create role canary login password 'canary'",
    'create schema "a.b"',
  )
})
afterAll(() => server.stop())

/** What the operator reads; empty if the server starts. */
async function explainStart(env: Record<string, string>): Promise<string> {
  try {
    const app = await createApp(
      loadSettings({ APP_SECRET, PORT: '0', LOG_LEVEL: 'silent', ...env }),
      { passwordCost: 4 },
    )
    await app.close()
    return ''
  } catch (error) {
    return describeStartError(error)
  }
}

const prefix = 'The PostgreSQL server of DATABASE_URL cannot be used: '

/** Changes to a URL that works; parameters are encoded. */
const failures: [string, (url: URL) => void, string | RegExp, Record<string, string>?][] = [
  [
    'a wrong password',
    (url) => void (url.password = 'canary'),
    `${prefix}password authentication failed for user "postgres".`,
  ],
  [
    'an unknown role',
    (url) => void (url.username = 'nobody_here'),
    `${prefix}password authentication failed for user "nobody_here".`,
  ],
  [
    'a database that does not exist',
    (url) => void (url.pathname = '/missing'),
    `${prefix}database "missing" does not exist.`,
  ],
  [
    'encryption that the server does not have',
    (url) => url.searchParams.set('sslmode', 'require'),
    `${prefix}The server does not support SSL connections.`,
  ],
  [
    'a setting that the server does not know',
    (url) => url.searchParams.set('options', '-c no_such_setting=1'),
    `${prefix}unrecognized configuration parameter "no_such_setting".`,
  ],
  [
    'a setting that only a login can have',
    (url) => url.searchParams.set('options', '-c ignore_system_indexes=on'),
    `${prefix}parameter "ignore_system_indexes" cannot be set after connection start.`,
  ],
  [
    'a connection that only reads',
    (url) => url.searchParams.set('options', '-c default_transaction_read_only=on'),
    'The PostgreSQL server of DATABASE_URL only accepts reads: name the primary server, not a replica, and leave default_transaction_read_only off.',
  ],
  [
    'a search path in which nothing exists',
    (url) => url.searchParams.set('options', '-c search_path=nowhere'),
    'No schema in the search path of the role in DATABASE_URL exists and may be used by it: create one, or set DATABASE_SCHEMA.',
  ],
  [
    'a schema whose name the ORM cannot quote',
    (url) => url.searchParams.set('options', '-c search_path="a.b"'),
    'The schema a.b has a quote, a dot or an asterisk in its name, which Latchkey cannot use: set DATABASE_SCHEMA to another one.',
  ],
  [
    'a DATABASE_SCHEMA that does not exist',
    () => {},
    'The schema of DATABASE_SCHEMA does not exist, or the role of DATABASE_URL may not use it. To create it: create schema "auth" authorization "postgres".',
    { DATABASE_SCHEMA: 'auth' },
  ],
  [
    'a role that may create no tables',
    (url) => Object.assign(url, { username: 'canary', password: 'canary' }),
    "The role of DATABASE_URL may not create or change tables in the schema public: make it the schema's owner, or grant it CREATE on the schema.",
  ],
]

describe('a start on PostgreSQL with', needs('PostgreSQL from npm'), () => {
  it.each(failures)('%s ends in one sentence', async (_what, change, sentence, env) => {
    const url = new URL(databaseUrl)
    change(url)
    const text = await explainStart({ DATABASE_URL: url.href, ...env })
    expect(text).toBe(`Latchkey could not start.\n${String(sentence)}`)
    expect(text).not.toContain('canary')
  })

  it('a server that is too old ends in one sentence', async () => {
    const [found] = await queryPostgresql(
      databaseUrl,
      "select current_setting('server_version_num') as number, current_setting('server_version') as name",
    )
    const { port } = await startRewritingRelay(new URL(databaseUrl), [
      [String(found!['number']), '120022'],
      [String(found!['name']), '12.22'.slice(0, String(found!['name']).length)],
    ])
    const url = Object.assign(new URL(databaseUrl), { port })
    expect(await explainStart({ DATABASE_URL: url.href })).toMatch(
      /^Latchkey could not start\.\nThe server of DATABASE_URL is PostgreSQL 12[.\d]*: 13 or newer is needed\.$/,
    )
  })

  it('a port on which another program speaks ends in one sentence', async () => {
    const other = createServer((socket) => socket.end('SSH-2.0-canary\r\n')).listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await new Promise((resolve) => {
      other.once('listening', resolve)
    })
    const { port } = other.address() as AddressInfo
    const url = Object.assign(new URL(databaseUrl), { port })
    const text = await explainStart({ DATABASE_URL: url.href })
    expect(text).toMatch(
      /^Latchkey could not start\.\nThe PostgreSQL server of DATABASE_URL cannot be used: [^\n]+\.$/,
    )
    expect(text).not.toContain('canary')
  })
})

/** Passes everything on, but for some texts of the server that it replaces by others of the same length. */
async function startRewritingRelay(target: URL, texts: [string, string][]) {
  const relay = createServer((inside) => {
    const outside = connect(Number(target.port), target.hostname)
    const rewrite = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        let text = chunk.toString('latin1')
        for (const [from, to] of texts) text = text.replaceAll(from, to)
        done(null, Buffer.from(text, 'latin1'))
      },
    })
    inside.pipe(outside).pipe(rewrite).pipe(inside)
    inside.on('close', () => outside.destroy()).on('error', () => outside.destroy())
    outside.on('close', () => inside.destroy()).on('error', () => inside.destroy())
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void relay.close())
  await new Promise((resolve) => {
    relay.once('listening', resolve)
  })
  return relay.address() as AddressInfo
}
