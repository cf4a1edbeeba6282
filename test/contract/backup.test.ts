// Backup and restore by the operator's commands: nothing is lost that was there, and no one comes back who was ended.
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { createDatabase, engines, needsOf, operator, start } from '../support/backup.ts'
import { createClient } from '../support/client.ts'

async function expectNobodyIsSignedIn(
  client: ReturnType<typeof createClient>,
  people: readonly { accessToken: string; refreshToken: string }[],
) {
  for (const { accessToken, refreshToken } of people) {
    expect((await client.as(accessToken).send('{ me { id } }')).reason).toBe('SESSION_ENDED')
    expect((await client.refresh(refreshToken)).reason).toBe('SESSION_ENDED')
  }
}

for (const engine of engines)
  describe(`a backup on ${engine}`, needsOf(engine), () => {
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

      // Users continue signing up meanwhile.
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
      expect(restored.stdout).toContain('Restored. All users have to sign in again.')

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

    it('is recorded in the audit trail, and so is its restore', async () => {
      const { folder, url } = await createDatabase(engine)
      const file = join(folder, 'backup')
      const app = await start(url)
      await createClient(app.url).register()
      expect((await operator(url).backup(file)).stderr).toBe('')
      const eventsOf = async (type: string) =>
        (await operator(url).events(['--event', type, '--json'])).stdout
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
      const told = await operator(url).events(['--json'])
      expect(JSON.parse(told.stdout)).toMatchObject({ type: 'DATABASE_RESTORED', sessionsEnded: 1 })
      const client = createClient((await start(url)).url)
      expect((await client.login(ada.email, ada.password)).errors).toBeUndefined()
    })

    it('is made and restored if a table of a later version is missing', async () => {
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
    // The trail names the session, which is not a credential. It goes without a trace, and nothing else does.
    const copy = new Sqlite(file)
    copy.pragma('secure_delete = on')
    expect(copy.prepare('delete from audit_events where session_id = ?').run(sid).changes).toBe(1)
    copy.close()
    const bytes = readFileSync(file)
    expect(bytes.includes(sub)).toBe(true)
    expect(bytes.includes(sid)).toBe(false)
  })

  it('leaves next to it what was there, and replaces a database that is damaged or gone', async () => {
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

  it('is not taken for one of Latchkey if it is another program’s', async () => {
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
