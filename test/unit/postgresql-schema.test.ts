// If the tables are on PostgreSQL: in one schema, which every start, query and command agrees on.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createClient } from '../support/client.ts'
import { operatorOf } from '../support/command.ts'
import { needs } from '../support/needs.ts'
import { createDatabaseAt, queryPostgresql } from '../support/postgresql-client.ts'
import { startPostgresql, type PostgresqlServer } from '../support/postgresql.ts'
import { testAppSecret as APP_SECRET } from '../support/server.ts'

let server: PostgresqlServer
beforeAll(async () => {
  server = await startPostgresql(['fsync=off'])
})
afterAll(() => server.stop())

let databases = 0
const createDatabase = () => createDatabaseAt(server.url, `schemas_${++databases}`)

async function start(env: Record<string, string>) {
  const app = await createApp(
    loadSettings({ APP_SECRET, PORT: '0', LOG_LEVEL: 'silent', THROTTLE: 'off', ...env }),
    { passwordCost: 4 },
  )
  let isOpen = true
  const close = async () => {
    if (isOpen) await app.close()
    isOpen = false
  }
  onTestFinished(close)
  return { client: createClient(app.url), close }
}

/** Two starts, which have to find the same tables. @returns the schemas that have tables then */
async function startTwice(adminUrl: string, env: Record<string, string>) {
  const first = await start(env)
  const ada = await first.client.register()
  await first.close()
  const { client } = await start(env)
  expect((await client.login(ada.email, ada.password)).errors).toBeUndefined()
  expect((await client.refresh(ada.refreshToken)).errors).toBeUndefined()
  const rows = await queryPostgresql(
    adminUrl,
    `select distinct schemaname as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  return { ada, schemas: rows.map(({ name }) => name) }
}

const quoted = (name: string) => `"${name}"`

describe('the schema of a server on PostgreSQL', needs('PostgreSQL from npm'), () => {
  it.each([['my-schema'], ['Order'], ['two words'], ["o'brien"]])(
    'is the one of DATABASE_SCHEMA, here %s, at every start',
    async (schema) => {
      const url = await createDatabase()
      await queryPostgresql(url, `create schema ${quoted(schema)}`)
      const { schemas } = await startTwice(url, { DATABASE_URL: url, DATABASE_SCHEMA: schema })
      expect(schemas).toEqual([schema])
    },
  )

  it('is the same for commands', async () => {
    const url = await createDatabase()
    await queryPostgresql(url, 'create schema "my-schema"')
    const env = { DATABASE_URL: url, DATABASE_SCHEMA: 'my-schema' }
    const { ada } = await startTwice(url, env)
    const operator = operatorOf({ database: { url } }, env)
    const [migrated, shown] = await Promise.all([
      operator.migrate(),
      operator.user(['show', '--email', ada.email]),
    ])
    expect(migrated).toMatchObject({ status: 0, stderr: '' })
    expect(shown).toMatchObject({ status: 0, stderr: '' })
  })

  it.each([
    ['-c search_path=auth2', 'auth2'],
    ['--search-path=missing,"My\\ Own",public', 'My Own'],
  ])('is the first that exists in the search path of the URL, here %s', async (options, schema) => {
    const url = new URL(await createDatabase())
    await queryPostgresql(url.href, `create schema ${quoted(schema)}`)
    const withOptions = `${url.href}?options=${encodeURIComponent(options)}`
    const { schemas } = await startTwice(url.href, { DATABASE_URL: withOptions })
    expect(schemas).toEqual([schema])
  })

  it('is that of the role if it has one of its own', async () => {
    const url = await createDatabase()
    await queryPostgresql(
      url,
      "create role tenant login password 'tenant'",
      'create schema authorization tenant',
    )
    const own = Object.assign(new URL(url), { username: 'tenant', password: 'tenant' })
    const { schemas } = await startTwice(url, { DATABASE_URL: own.href })
    expect(schemas).toEqual(['tenant'])
  })

  it('stays the same for a running server when one that comes earlier in the search path is created', async () => {
    const url = await createDatabase()
    const { client } = await start({ DATABASE_URL: url })
    const ada = await client.register()
    await queryPostgresql(url, 'create schema authorization postgres')
    // More than the connections that are open by now.
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.as(ada.accessToken).send('{ me { email } }')),
    )
    expect(answers.filter(({ errors }) => errors)).toEqual([])
  })

  it('holds nothing of two servers in two schemas of one database in common', async () => {
    const url = await createDatabase()
    await queryPostgresql(url, 'create schema one', 'create schema two')
    const one = await start({ DATABASE_URL: url, DATABASE_SCHEMA: 'one' })
    const two = await start({ DATABASE_URL: url, DATABASE_SCHEMA: 'two' })
    const ada = await one.client.register()
    expect((await two.client.login(ada.email, ada.password)).code).toBe('INVALID_CREDENTIALS')
    expect((await two.client.register({ email: ada.email })).email).toBe(ada.email)
  })
})

describe('a database that another application uses', needs('PostgreSQL from npm'), () => {
  it.each([
    ['a table', 'create table users (id int); create table sessions (id int)', 'sessions, users'],
    ['a view', 'create view leases as select 1', 'leases'],
    ['a type', "create type users as enum ('a')", 'users'],
  ])('is left as it is when %s has a name of ours', async (_what, statements, named) => {
    const url = await createDatabase()
    await queryPostgresql(url, statements)
    const relations = () =>
      queryPostgresql(
        url,
        "select relname from pg_class where relnamespace = 'public'::regnamespace order by 1",
      )
    const before = await relations()
    await expect(start({ DATABASE_URL: url })).rejects.toThrow(
      `The schema public has tables that belong to another application (${named}): give Latchkey a database of its own, or a schema of its own with DATABASE_SCHEMA.`,
    )
    expect(await relations()).toEqual(before)
    await queryPostgresql(url, 'create schema auth')
    const { client } = await start({ DATABASE_URL: url, DATABASE_SCHEMA: 'auth' })
    expect((await client.register()).email).toBeDefined()
  })

  it('is left as it is by a command that only reads', async () => {
    const url = await createDatabase()
    const shown = await operatorOf({ database: { url } }).user(['show', '--email', 'a@example.com'])
    expect([shown.status, shown.stderr]).toEqual([
      1,
      'The database is of an earlier version. Start the server of this version, or: npm run db:migrate.\n',
    ])
    expect(
      await queryPostgresql(url, "select 1 from pg_tables where schemaname = 'public'"),
    ).toEqual([])
  })
})
