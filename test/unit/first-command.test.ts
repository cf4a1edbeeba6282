// On a fresh machine the operator may come before the server.
import { existsSync, mkdirSync, chmodSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { appSecretFile } from '../../src/process/app-secret.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createClient } from '../support/client.ts'
import { operatorOf } from '../support/command.ts'
import { createTestDatabase } from '../support/database.ts'
import { needs } from '../support/needs.ts'
import { isRoot, temporaryFolder } from '../support/process.ts'

describe('a command before the first start', () => {
  it.each([
    ['npm run db:migrate', 'migrate', []],
    ['npm run user -- create', 'user', ['create', '--email', 'ada@example.com']],
  ] as const)('leaves a database that the server starts with: %s', async (_name, command, args) => {
    const database = await createTestDatabase()
    onTestFinished(() => database.remove())
    const environment = { DATABASE_URL: database.url, APP_SECRET: '' }
    await operatorOf({ database }, environment)[command](args)
    const secret = appSecretFile(database.url.slice('sqlite:'.length))
    expect(statSync(secret).mode & 0o777).toBe(0o600)

    const app = await createApp(loadSettings({ ...environment, PORT: '0', LOG_LEVEL: 'silent' }), {
      passwordCost: 4,
    })
    onTestFinished(() => app.close())
    const { accessToken } = await createClient(app.url).register()
    const answer = await createClient(app.url).as(accessToken).send('{ protected }')
    expect(answer.errors).toBeUndefined()
    // From here on it is the server's secret: a command makes no other.
    const { mtimeMs } = statSync(secret)
    await operatorOf({ database }, environment)[command](args)
    expect(statSync(secret).mtimeMs).toBe(mtimeMs)
  })
  it.each([
    ['keys', ['list']],
    ['keys', ['rotate']],
    ['keys', ['reset']],
    ['user', ['show', '--email', 'ada@example.com']],
    ['user', ['list']],
    ['user', ['set-password', '--email', 'ada@example.com']],
    ['user', ['remove-password', '--email', 'ada@example.com']],
    ['user', ['disable', '--email', 'ada@example.com']],
    ['user', ['enable', '--email', 'ada@example.com']],
    ['user', ['delete', '--email', 'ada@example.com']],
    ['user', ['grant', '--email', 'ada@example.com', '--role', 'ADMIN']],
    ['user', ['revoke', '--email', 'ada@example.com', '--role', 'ADMIN']],
    ['user', ['end-sessions', '--email', 'ada@example.com']],
    ['events', []],
  ] as const)(
    'says that there is no database, and creates neither it nor a secret: %s %j',
    async (command, args) => {
      const file = join(temporaryFolder(), 'data', 'latchkey.db')
      const operator = operatorOf({ database: { url: `sqlite:${file}` } }, { APP_SECRET: '' })
      expect(await operator[command](args)).toEqual({
        status: 1,
        stdout: '',
        stderr: `There is no database ${file}.\n`,
      })
      expect(existsSync(dirname(file))).toBe(false)
    },
  )

  it('keys -- list migrates no database', async () => {
    const database = await createTestDatabase()
    onTestFinished(() => database.remove())
    await operatorOf({ database }).migrate()
    await database.query("delete from mikro_orm_migrations where name like '%3%'")
    const { status, stderr } = await operatorOf({ database }).keys(['list'])
    expect(status).toBe(1)
    expect(stderr).toContain('npm run db:migrate')
  })

  it.each([
    ['keys', ['list']],
    ['keys', ['reset']],
    ['user', ['list']],
    ['user', ['disable', '--email', 'ada@example.com']],
    ['events', []],
  ] as const)(
    'says that this user may not read the folder of the database: %s %j',
    isRoot ? needs('setpriv') : {},
    async (command, args) => {
      const file = join(temporaryFolder(), 'data', 'latchkey.db')
      mkdirSync(dirname(file))
      chmodSync(dirname(file), 0o000)
      const operator = operatorOf(
        { database: { url: `sqlite:${file}` } },
        { APP_SECRET: '' },
        { isBound: true },
      )
      expect(await operator[command](args)).toEqual({
        status: 1,
        stdout: '',
        stderr: `The database file ${file} cannot be used: this user may not read its folder.\n`,
      })
    },
  )
})
