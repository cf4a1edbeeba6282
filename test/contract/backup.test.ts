// Backup and restore by the operator's commands: nothing is lost that was there, and nobody comes back who was ended.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createApp, type App } from '../../src/app.ts'
import { migrationLock } from '../../src/database/postgresql.ts'
import { loadSettings } from '../../src/settings.ts'
import { createClient } from '../support/client.ts'
import { operatorOf } from '../support/command.ts'
import { eventually } from '../support/patience.ts'
import { queryPostgresql } from '../support/postgresql-client.ts'
import {
  findPostgresqlInstallation,
  startInstalledPostgresql,
  type LocalPostgresql,
} from '../support/postgresql-tools.ts'
import { temporaryFolder } from '../support/process.ts'
import { testAppSecret } from '../support/server.ts'

const installation = findPostgresqlInstallation()
if (!installation && process.env['CI']) {
  throw new Error(
    'PostgreSQL with its client programs is not installed: apt-get install postgresql',
  )
}
if (!installation) {
  console.warn(
    'Backup and restore on PostgreSQL are not tested: its client programs are not installed (Debian: postgresql).',
  )
}

let postgresql: LocalPostgresql | undefined
beforeAll(async () => {
  if (installation) postgresql = await startInstalledPostgresql(installation)
})
afterAll(() => postgresql?.stop())

let databases = 0

/** A database of its own, and the means to copy it as somebody would who has not read the guide. */
async function createDatabase(engine: 'sqlite' | 'postgresql') {
  const folder = mkdtempSync(join(temporaryFolder(), 'backup-'))
  if (engine === 'sqlite') {
    const file = join(folder, 'latchkey.db')
    return {
      folder,
      url: `sqlite:${file}`,
      copyPlainly: (target: string) => copyFileSync(file, target),
      /** The command dies of moving what it has restored. */
      restoreAndKill: (backup: string) =>
        operator(`sqlite:${file}`, importing(killAfterMoving(file))).restore(backup),
      execute: async (statement: string) => {
        const database = new Sqlite(file)
        database.exec(statement)
        database.close()
      },
    }
  }
  const name = `backup_${++databases}`
  await queryPostgresql(postgresql!.url, `create database ${name}`)
  const url = new URL(postgresql!.url)
  url.pathname = `/${name}`
  return {
    folder,
    url: url.href,
    execute: (statement: string) => queryPostgresql(url.href, statement),
    copyPlainly: (target: string) =>
      execFileSync(join(installation!.folder, 'pg_dump'), [
        '--format=custom',
        `--file=${target}`,
        url.href,
      ]),
    /** The command is kept where it would migrate what it has restored, and killed there. */
    restoreAndKill: async (backup: string) => {
      const holder = new Client({ connectionString: url.href })
      await holder.connect()
      onTestFinished(() => holder.end())
      await holder.query('select pg_advisory_lock($1)', [migrationLock])
      const { child, result } = operator(url.href).startRestore(backup)
      const isKept = eventually(async () => {
        const { rows } = await holder.query(`select 1 from pg_stat_activity
          where datname = current_database() and wait_event = 'advisory'`)
        expect(rows).toHaveLength(1)
      }, 20)
      await Promise.race([isKept, result])
      child.kill('SIGKILL')
      return result
    },
  }
}

/** The environment of a process that runs a module first. */
const importing = (module: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(module)}`,
})

/** Kills the process just after it has moved something there. */
const killAfterMoving = (file: string) => `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  const { renameSync } = fs
  fs.renameSync = (from, to) => {
    renameSync(from, to)
    if (to === ${JSON.stringify(file)}) process.kill(process.pid, 'SIGKILL')
  }
  syncBuiltinESMExports()`

/** Somebody opens the database, writes it and keeps it open, just after a backup was copied beside it. */
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

async function start(url: string): Promise<App> {
  const app = await createApp(
    loadSettings({
      APP_SECRET: testAppSecret,
      PORT: '0',
      DATABASE_URL: url,
      LOG_LEVEL: 'silent',
      THROTTLE: 'off',
    }),
    { passwordCost: 4 },
  )
  let isOpen = true
  const close = async () => {
    if (isOpen) await app.close()
    isOpen = false
  }
  onTestFinished(close)
  return { ...app, close }
}

const operator = (url: string, env: Record<string, string> = {}) =>
  operatorOf(
    { database: { url } },
    installation ? { PATH: `${installation.folder}:${process.env['PATH']}`, ...env } : env,
  )

async function expectNobodyIsSignedIn(
  client: ReturnType<typeof createClient>,
  people: readonly { accessToken: string; refreshToken: string }[],
) {
  for (const { accessToken, refreshToken } of people) {
    expect((await client.as(accessToken).send('{ me { id } }')).reason).toBe('SESSION_ENDED')
    expect((await client.refresh(refreshToken)).reason).toBe('SESSION_ENDED')
  }
}

const engines = (['sqlite', 'postgresql'] as const).filter(
  (engine) => engine === 'sqlite' || installation,
)

describe.each(engines)('a backup on %s', (engine) => {
  it('has all that was acknowledged before it, and ends every session when it is restored', async () => {
    const { folder, url } = await createDatabase(engine)
    const file = join(folder, 'backup')
    const app = await start(url)
    const client = createClient(app.url)
    const ada = await client.register({ name: 'Ada' })
    const lost: typeof ada = (await client.login(ada.email, ada.password)).data.login
    await client.as(ada.accessToken).send('{ me { id } }')
    const before = [ada]
    const during: (typeof ada)[] = []
    const keys = await (await fetch(`${app.url}/.well-known/jwks.json`)).text()

    // People go on signing up meanwhile.
    const done = new AbortController()
    const signUps = (async () => {
      while (!done.signal.aborted) during.push(await client.register())
    })()
    before.push(await client.register())
    const made = await operator(url).backup(file)
    done.abort()
    await signUps
    expect([made.status, made.stderr]).toEqual([0, ''])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(during.length).toBeGreaterThan(0)

    // What happens after the backup is lost with the database, but for what was ended.
    await client.as(lost.accessToken).send('mutation { logout }')
    const after = await client.register()
    const rotated = (await client.refresh(ada.refreshToken)).data.refreshToken
    await app.close()

    const restored = await operator(url).restore(file)
    expect([restored.status, restored.stderr]).toEqual([0, ''])
    expect(restored.stdout).toContain('Restored. Everybody has to sign in again.')

    const again = await start(url)
    const reborn = createClient(again.url)
    await expectNobodyIsSignedIn(reborn, [...before, ...during, lost, rotated, after])
    for (const { email, password } of before) {
      const login = await reborn.login(email, password)
      expect(login.errors).toBeUndefined()
      const me = await reborn.as(login.data.login.accessToken).send('{ me { email name } }')
      expect(me.data.me.email).toBe(email)
    }
    expect((await reborn.login(after.email, after.password)).code).toBe('INVALID_CREDENTIALS')
    expect(await (await fetch(`${again.url}/.well-known/jwks.json`)).text()).toBe(keys)
  })

  it('that was made by other means ends every session, too', async () => {
    const { folder, url, copyPlainly } = await createDatabase(engine)
    const file = join(folder, 'plain')
    const app = await start(url)
    const client = createClient(app.url)
    const ada = await client.register()
    const ended: typeof ada = (await client.login(ada.email, ada.password)).data.login
    // The write-ahead log is emptied into the file by the last that closes it.
    await app.close()
    copyPlainly(file)
    const between = await start(url)
    await createClient(between.url).as(ended.accessToken).send('mutation { logout }')
    await between.close()
    expect((await operator(url).restore(file)).status).toBe(0)
    const reborn = createClient((await start(url)).url)
    await expectNobodyIsSignedIn(reborn, [ada, ended])
    expect((await reborn.login(ada.email, ada.password)).errors).toBeUndefined()
  })

  it('is not made over a file, nor left half made', async () => {
    const { folder, url } = await createDatabase(engine)
    const file = join(folder, 'backup')
    writeFileSync(file, 'precious')
    await (await start(url)).close()
    const refused = await operator(url).backup(file)
    expect([refused.status, refused.stderr]).toEqual([1, `${file} is there already.\n`])
    expect(readFileSync(file, 'utf8')).toBe('precious')
    const elsewhere = engine === 'sqlite' ? `${url}.gone` : `${url}_gone`
    expect((await operator(elsewhere).backup(`${file}2`)).status).toBe(1)
    expect(readdirSync(folder).filter((name) => name.startsWith('backup'))).toEqual(['backup'])
  })

  it('is told of in the audit trail, and so is its restore', async () => {
    const { folder, url } = await createDatabase(engine)
    const file = join(folder, 'backup')
    const app = await start(url)
    await createClient(app.url).register()
    expect((await operator(url).backup(file)).stderr).toBe('')
    const eventsOf = async (type: string) =>
      (await operator(url).audit(['--event', type, '--json'])).stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    const byOperator = { actor: 'OPERATOR', userId: null, operator: expect.stringContaining('@') }
    expect(await eventsOf('DATABASE_BACKED_UP')).toEqual([expect.objectContaining(byOperator)])
    await createClient(app.url).register()
    await app.close()
    expect((await operator(url).restore(file)).stderr).toBe('')
    expect(await eventsOf('DATABASE_RESTORED')).toEqual([
      expect.objectContaining({ ...byOperator, sessionsEnded: 2 }),
    ])
  })

  it('of before there was a trail is brought up to date, and its restore is told of, too', async () => {
    const { execute, folder, url } = await createDatabase(engine)
    const file = join(folder, 'backup')
    const app = await start(url)
    const ada = await createClient(app.url).register()
    await app.close()
    await execute('drop table audit_events')
    await execute('drop table leases')
    await execute("delete from mikro_orm_migrations where name = '0003-audit'")
    expect((await operator(url).backup(file)).status).toBe(0)
    expect(await operator(url).restore(file)).toMatchObject({ status: 0, stderr: '' })
    const told = await operator(url).audit(['--json'])
    expect(JSON.parse(told.stdout)).toMatchObject({ type: 'DATABASE_RESTORED', sessionsEnded: 1 })
    const client = createClient((await start(url)).url)
    expect((await client.login(ada.email, ada.password)).errors).toBeUndefined()
  })

  it('that is restored and killed before it says so has told the trail', async () => {
    const { folder, restoreAndKill, url } = await createDatabase(engine)
    const file = join(folder, 'backup')
    const app = await start(url)
    await createClient(app.url).register()
    expect((await operator(url).backup(file)).status).toBe(0)
    await app.close()
    // Had it ended by itself, it would have a status.
    expect(await restoreAndKill(file)).toEqual({ status: null, stdout: '', stderr: '' })
    const told = await operator(url).audit(['--event', 'DATABASE_RESTORED', '--json'])
    expect(JSON.parse(told.stdout)).toMatchObject({
      actor: 'OPERATOR',
      operator: expect.stringContaining('@'),
      sessionsEnded: 1,
    })
  })

  it('is made and restored where a table of a later version is missing', async () => {
    const { execute, folder, url } = await createDatabase(engine)
    const file = join(folder, 'backup')
    await (await start(url)).close()
    await execute('drop table provider_flows')
    expect(await operator(url).backup(file)).toMatchObject({ status: 0, stderr: '' })
    expect(await operator(url).restore(file)).toMatchObject({ status: 0, stderr: '' })
  })

  it('that is damaged, or something else, is not restored, and what is there stays', async () => {
    const { folder, url } = await createDatabase(engine)
    const app = await start(url)
    const ada = await createClient(app.url).register()
    await app.close()
    const file = join(folder, 'backup')
    expect((await operator(url).backup(file)).status).toBe(0)
    const whole = readFileSync(file)
    for (const spoilt of [
      Buffer.from('a letter'),
      whole.subarray(0, whole.length / 2),
      Buffer.concat([whole.subarray(0, 300), Buffer.alloc(whole.length - 300, 0xa5)]),
    ]) {
      writeFileSync(file, spoilt)
      const refused = await operator(url).restore(file)
      expect(refused.status).toBe(1)
      expect(refused.stderr).not.toMatch(/\n\s+at /)
    }
    const client = createClient((await start(url)).url)
    expect((await client.as(ada.accessToken).send('{ me { email } }')).data.me.email).toBe(
      ada.email,
    )
  })
})

describe('a backup of SQLite', () => {
  it('holds no session, not even in what is free of its pages', async () => {
    const { folder, url } = await createDatabase('sqlite')
    const app = await start(url)
    const { accessToken } = await createClient(app.url).register()
    const { sid, sub } = JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString())
    const file = join(folder, 'backup')
    await operator(url).backup(file)
    // The trail names the session, which is no credential. It goes without a trace, and nothing else does.
    const copy = new Sqlite(file)
    copy.pragma('secure_delete = on')
    expect(copy.prepare('delete from audit_events where session_id = ?').run(sid).changes).toBe(1)
    copy.close()
    const bytes = readFileSync(file)
    expect(bytes.includes(sub)).toBe(true)
    expect(bytes.includes(sid)).toBe(false)
  })

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

  it('is restored without the log of a database that is damaged, which stays beside that', async () => {
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

  it('leaves beside it what was there, and replaces a database that is damaged or gone', async () => {
    const { folder, url } = await createDatabase('sqlite')
    const app = await start(url)
    const ada = await createClient(app.url).register()
    const file = join(folder, 'backup')
    await operator(url).backup(file)
    await app.close()
    const database = join(folder, 'latchkey.db')
    writeFileSync(database, 'a letter\n'.repeat(1000))
    expect((await operator(url).restore(file)).stdout).toContain('latchkey.db.replaced')
    expect(readFileSync(join(folder, 'latchkey.db.replaced'), 'utf8')).toContain('a letter')
    expect((await operator(url).restore(file)).stderr).toContain('latchkey.db.replaced is there')

    const elsewhere = join(folder, 'elsewhere', 'latchkey.db')
    const restored = await operator(`sqlite:${elsewhere}`).restore(file)
    expect(restored.stderr).toBe('')
    expect(statSync(elsewhere).mode & 0o777).toBe(0o600)
    const client = createClient((await start(`sqlite:${elsewhere}`)).url)
    expect((await client.login(ada.email, ada.password)).errors).toBeUndefined()
    expect(existsSync(`${elsewhere}.replaced`)).toBe(false)
  })

  it('is not taken for one of Latchkey where it is another program’s', async () => {
    const { folder, url } = await createDatabase('sqlite')
    const file = join(folder, 'other.db')
    const other = new Sqlite(file)
    other.exec('create table letters (id text)')
    other.close()
    const refused = await operator(url).restore(file)
    expect([refused.status, refused.stderr]).toEqual([1, `${file} is no backup of Latchkey.\n`])
    expect(existsSync(join(folder, 'latchkey.db'))).toBe(false)
  })
})

describe.runIf(installation)('a restore on PostgreSQL', () => {
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

    // It waits where it has done nothing yet, and has no more of the backup than the pipes hold.
    const holder = new Client({ connectionString: url, application_name: 'admin' })
    await holder.connect()
    onTestFinished(() => holder.end())
    await holder.query('begin; lock table users in access share mode')
    const { child } = operator(url).startRestore(file)
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
