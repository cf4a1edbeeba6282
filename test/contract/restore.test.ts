// Restores that are killed, or meet someone else in the database: it is the old one or the new one, and told of.
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Client } from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase, engines, importing, needsOf, operator, start } from '../support/backup.ts'
import { createClient } from '../support/client.ts'
import { needs } from '../support/needs.ts'
import { eventually } from '../support/patience.ts'
import { startPgbouncer } from '../support/pgbouncer.ts'

/** Someone opens the database, writes it and keeps it open, just after a backup was copied next to it. */
const openAfterCopying = (file: string) => `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  import Sqlite from ${JSON.stringify(import.meta.resolve('better-sqlite3'))}
  const { copyFileSync } = fs
  fs.copyFileSync = (from, to) => {
    copyFileSync(from, to)
    if (to !== ${JSON.stringify(`${file}.restoring`)}) return
    globalThis.newer = new Sqlite(${JSON.stringify(file)})
    newer.pragma('journal_mode = wal')
    newer.exec('create table newer (id text)')
  }
  syncBuiltinESMExports()`

for (const engine of engines)
  describe(`a backup on ${engine}`, needsOf(engine), () => {
    it('that is restored and killed before it says so is in the audit trail', async () => {
      const { folder, restoreAndKill, url } = await createDatabase(engine)
      const file = join(folder, 'backup')
      const app = await start(url)
      await createClient(app.url).register()
      expect((await operator(url).backup(file)).status).toBe(0)
      await app.close()
      // Had it ended by itself, it would have a status.
      expect(await restoreAndKill(file)).toEqual({ status: null, stdout: '', stderr: '' })
      const told = await operator(url).events(['--event', 'DATABASE_RESTORED', '--json'])
      expect(JSON.parse(told.stdout)).toMatchObject({
        actor: 'OPERATOR',
        operator: expect.stringContaining('@'),
        sessionsEnded: 1,
      })
    })
  })

describe('a backup of SQLite', () => {
  it('is not restored under a server that runs', async () => {
    const { folder, url } = await createDatabase('sqlite')
    const app = await start(url)
    const file = join(folder, 'backup')
    await operator(url).backup(file)
    const refused = await operator(url).restore(file)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(/latchkey\.db is in use: stop the server/)
    expect((await createClient(app.url).register()).email).toBeDefined()
  })

  it('is not restored under a server that starts meanwhile', async () => {
    const { folder, url } = await createDatabase('sqlite')
    const file = join(folder, 'backup')
    await (await start(url)).close()
    await operator(url).backup(file)
    const database = join(folder, 'latchkey.db')
    const refused = await operator(url, importing(openAfterCopying(database))).restore(file)
    expect([refused.status, refused.stderr]).toEqual([
      1,
      `${database} is in use: stop the server, and its operators' commands.\n`,
    ])
    expect(readdirSync(folder).filter((name) => /restoring|replaced/.test(name))).toEqual([])
    const other = new Sqlite(database)
    onTestFinished(() => void other.close())
    expect(other.prepare('select count(*) from newer').pluck().get()).toBe(0)
  })

  it('is restored without the log of a database that is damaged, which stays next to that', async () => {
    const { folder, url } = await createDatabase('sqlite')
    const file = join(folder, 'backup')
    await (await start(url)).close()
    await operator(url).backup(file)
    const database = join(folder, 'latchkey.db')
    writeFileSync(database, 'a letter\n'.repeat(1000))
    writeFileSync(`${database}-wal`, 'the newest commits')
    expect((await operator(url).restore(file)).status).toBe(0)
    expect(readFileSync(`${database}.replaced-wal`, 'utf8')).toBe('the newest commits')
    expect((await createClient((await start(url)).url).register()).email).toBeDefined()
  })
})

describe('a restore on PostgreSQL', needsOf('postgresql'), () => {
  it('that is killed in the middle has changed nothing', async () => {
    const { folder, url } = await createDatabase('postgresql')
    const file = join(folder, 'backup')
    const app = await start(url)
    const ada = await createClient(app.url).register()
    const admin = new Client({ connectionString: url, application_name: 'admin' })
    await admin.connect()
    onTestFinished(() => admin.end())
    // First in the backup, more than what the pipes between the programs hold, and good wherever it is
    // cut off.
    await admin.query(`create table aaa (line text);
      insert into aaa select repeat('x', 500) from generate_series(1, 3000)`)
    expect((await operator(url).backup(file)).status).toBe(0)
    await admin.query('drop table aaa')
    const tables = ['users', 'sessions', 'signing_keys', 'audit_events', 'mikro_orm_migrations']
    const counts = async () => {
      const columns = tables.map((table) => `(select count(*) from ${table}) as ${table}`)
      return (await admin.query(`select ${columns.join(', ')}`)).rows[0]
    }
    const before = await counts()
    await app.close()

    // It waits if it has done nothing yet, and has no more of the backup than the pipes hold.
    const holder = new Client({ connectionString: url, application_name: 'admin' })
    await holder.connect()
    onTestFinished(() => holder.end())
    await holder.query('begin; lock table users in access share mode')
    const { child } = operator(url).startRestore(file, '--force')
    const programs = async (condition: string) =>
      (
        await admin.query(`select 1 from pg_stat_activity where datname = current_database()
          and application_name = 'latchkey' ${condition}`)
      ).rows.length
    await eventually(async () => expect(await programs("and wait_event_type = 'Lock'")).toBe(1), 20)
    // psql has its standard error, too, and lives on.
    const killed = once(child, 'exit')
    child.kill('SIGKILL')
    await killed
    await holder.query('rollback')
    await eventually(async () => expect(await programs('')).toBe(0), 20)

    expect(await counts()).toEqual(before)
    const client = createClient((await start(url)).url)
    expect((await client.as(ada.accessToken).send('{ me { email } }')).data.me.email).toBe(
      ada.email,
    )
  })
})

describe('a backup of PostgreSQL', needsOf('postgresql'), () => {
  it('is not restored while a server is connected, also an idle one, unless the operator forces it', async () => {
    const { folder, url } = await createDatabase('postgresql')
    const file = join(folder, 'backup')
    const app = await start(url)
    const client = createClient(app.url)
    const [ada] = await Promise.all([client.register(), client.register()])
    expect((await operator(url).backup(file)).status).toBe(0)
    const bob = await client.register()
    const admin = new Client({ connectionString: url, application_name: 'admin' })
    await admin.connect()
    onTestFinished(() => admin.end())
    // An idle server closes all connections but one.
    await eventually(async () => {
      const { rows } = await admin.query(
        "select 1 from pg_stat_activity where datname = current_database() and application_name = 'latchkey'",
      )
      expect(rows).toHaveLength(1)
    })

    expect(await operator(url).restore(file)).toEqual({
      status: 1,
      stdout: '',
      stderr: `Other clients are connected to the database: admin (role postgres from 127.0.0.1, 1 connection); latchkey (role postgres from 127.0.0.1, 1 connection).
Stop the servers and whatever else uses it, or add --force to restore it under them.
`,
    })
    expect((await client.as(bob.accessToken).send('{ me { email } }')).errors).toBeUndefined()

    const forced = await operator(url).restore(file, '--force')
    expect([forced.status, forced.stderr]).toEqual([0, ''])
    expect(forced.stdout).toContain('Restart the servers that were running.')
    expect((await client.as(ada.accessToken).send('{ me { email } }')).reason).toBe('SESSION_ENDED')
  })

  it('is made and restored in the schema of DATABASE_SCHEMA, and in no other', async () => {
    const { execute, folder, url } = await createDatabase('postgresql')
    const file = join(folder, 'backup')
    await execute('create schema "My schema"; create table "My schema".notes (id int)')
    await execute('create table users (id int)')
    const env = { DATABASE_SCHEMA: 'My schema' }
    const app = await start(url, env)
    const ada = await createClient(app.url).register()
    await app.close()
    expect(await operator(url, env).backup(file)).toMatchObject({ status: 0, stderr: '' })
    await execute('drop table "My schema".notes; delete from "My schema".users')
    await execute('create schema other')
    const elsewhere = await operator(url, { DATABASE_SCHEMA: 'other' }).restore(file)
    expect([elsewhere.status, elsewhere.stderr]).toEqual([
      1,
      `${file} holds the schema My schema, and the database has Latchkey in other: set DATABASE_SCHEMA to My schema.\n`,
    ])
    expect(await operator(url, env).restore(file)).toMatchObject({ status: 0, stderr: '' })
    const client = createClient((await start(url, env)).url)
    expect((await client.login(ada.email, ada.password)).errors).toBeUndefined()
    expect(await execute('select * from users')).toEqual([])
  })

  it('of another application is not restored, and every account stays', async () => {
    const { copyPlainly, folder, url } = await createDatabase('postgresql')
    const file = join(folder, 'backup')
    copyPlainly(file)
    const app = await start(url)
    const ada = await createClient(app.url).register()
    await app.close()
    const refused = await operator(url).restore(file)
    expect([refused.status, refused.stderr]).toEqual([1, `${file} is not a backup of Latchkey.\n`])
    const client = createClient((await start(url)).url)
    expect((await client.login(ada.email, ada.password)).errors).toBeUndefined()
  })
})

describe(
  'a backup of PostgreSQL behind PgBouncer',
  needs("PostgreSQL's programs", 'pgbouncer'),
  () => {
    it('is made and restored, and refused while a server is connected', async () => {
      const { folder, url: direct } = await createDatabase('postgresql')
      const file = join(folder, 'backup')
      const pooler = await startPgbouncer(direct, ['pool_mode = session', 'auth_type = trust'])
      onTestFinished(() => pooler.stop())
      const { url } = pooler
      const app = await start(url)
      const ada = await createClient(app.url).register()
      expect(await operator(url).backup(file)).toMatchObject({ status: 0, stderr: '' })
      const refused = await operator(url).restore(file)
      expect(refused.stderr).toMatch(/^Other clients are connected to the database: latchkey/)
      await app.close()
      // The pooler keeps the connections to the server.
      expect(await operator(url).restore(file)).toMatchObject({ status: 0, stderr: '' })
      const client = createClient((await start(url)).url)
      expect((await client.login(ada.email, ada.password)).errors).toBeUndefined()
    })
  },
)
