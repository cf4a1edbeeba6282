// On a fresh machine the operator may come before the server.
import { statSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { appSecretFile } from '../../src/process/app-secret.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createClient } from '../support/client.ts'
import { operatorOf } from '../support/command.ts'
import { createTestDatabase } from '../support/database.ts'

describe('a command before the first start', () => {
  it.each([
    ['npm run db:migrate', 'migrate', []],
    ['npm run keys -- list', 'keys', ['list']],
    ['npm run keys -- reset', 'keys', ['reset']],
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
})
