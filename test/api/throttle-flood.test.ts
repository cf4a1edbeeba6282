// However many addresses and accounts someone invents: neither memory nor the table keeps them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseOptions } from '../../src/commands/database-options.ts'
import { loadConfig } from '../../src/config/config.ts'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { AppError } from '../../src/core/errors.ts'
import { Throttle } from '../../src/core/throttle/throttle.ts'
import { startServer, stopTime, testAppSecret, type TestServer } from '../support/server.ts'

stopTime()

const subjects = Array.from({ length: 1200 }, (_, index) => String(index))

describe('a flood of attempts, each with a key of its own', () => {
  let server: TestServer
  let database: Database
  beforeAll(async () => {
    server = await startServer()
    const env = { DATABASE_URL: server.database.url, APP_SECRET: testAppSecret }
    database = await openDatabase(loadConfig(env).database, databaseOptions, () => {})
  })
  afterAll(async () => {
    await database.close()
    await server.close()
  })

  const open = (rememberedBlocks: number) =>
    new Throttle({ database, clock: server.now, isEnabled: true, rememberedBlocks })

  async function isAccepted(throttle: Throttle, subject: string): Promise<boolean> {
    try {
      await throttle.charge([{ name: 'flood', subject, limit: 1 }])
      return true
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return false
    }
  }
  const countRows = async () =>
    Number((await server.database.query('select count(*) as n from attempt_counters'))[0]!['n'])

  it('leaves as many blocks in memory as it may, the newest, and no row after its hour', async () => {
    const rememberedBlocks = 50
    const throttle = open(rememberedBlocks)
    for (const subject of subjects) expect(await isAccepted(throttle, subject)).toBe(true)
    for (const subject of subjects) expect(await isAccepted(throttle, subject)).toBe(false)
    expect(await countRows()).toBe(subjects.length)

    // Without its rows the database knows of no block: who is still refused is refused from memory.
    await server.database.query('delete from attempt_counters')
    const refused = []
    for (const subject of subjects.toReversed()) {
      if (!(await isAccepted(throttle, subject))) refused.push(subject)
    }
    expect(refused).toEqual(subjects.toReversed().slice(0, rememberedBlocks))

    expect(await countRows()).toBe(subjects.length - rememberedBlocks)
    server.advance(3600)
    await server.maintain()
    expect(await countRows()).toBe(0)
  })
})
