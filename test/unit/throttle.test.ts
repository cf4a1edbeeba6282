import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { AppError } from '../../src/errors.ts'
import { Throttle } from '../../src/throttle/throttle.ts'

let folder: string
let database: Database
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-throttle-'))
  database = await openDatabase({ engine: 'sqlite', file: join(folder, 'test.db') }, () => {})
  await database.migrate()
})
afterAll(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

// However many subjects somebody invents, memory does not grow with them.
it('keeps the newest blocks in memory, and of the older ones none', async () => {
  const rememberedBlocks = 50
  const throttle = new Throttle({ database, clock: Date.now, isEnabled: true, rememberedBlocks })
  const isAccepted = async (subject: number) => {
    try {
      await throttle.charge([{ name: 'test', subject: String(subject), limit: 1 }])
      return true
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return false
    }
  }
  const subjects = Array.from({ length: 120 }, (_, index) => index)
  for (const subject of subjects) expect(await isAccepted(subject)).toBe(true)
  for (const subject of subjects) expect(await isAccepted(subject)).toBe(false)

  // Without its rows the database knows of no block: who is still refused is refused from memory.
  await sql`delete from attempt_counters`.execute(database.kysely)
  const accepted = []
  for (const subject of subjects.toReversed()) accepted.push(await isAccepted(subject))
  expect(accepted.filter((one) => !one)).toHaveLength(rememberedBlocks)
  expect(accepted.slice(0, rememberedBlocks).every((one) => !one)).toBe(true)
})
