import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { operatorOf } from '../support/command.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

// What the commands do next to a running server is in test/api/key-rotation.test.ts.
let database: TestDatabase
let operator: ReturnType<typeof operatorOf>
beforeEach(async () => {
  database = await createTestDatabase()
  operator = operatorOf({ database })
})
afterEach(() => database.remove())

describe('npm run keys', () => {
  it.each([[[]], [['show']], [['rotate', 'now']], [['toString']], [['list', '--all']]])(
    'shows how it is used, given %j',
    async (args) => {
      const { status, stdout, stderr } = await operator.keys(args)
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
      expect(stderr).toContain('Usage: npm run keys -- <command>')
      expect(stderr).not.toContain('    at ')
    },
  )

  it('makes the first keys if it is asked to rotate before the first start', async () => {
    await operator.migrate()
    const { status, stdout } = await operator.keys(['rotate'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/ current /)
    expect(stdout).toMatch(/ next /)
  })

  it.each(['list', 'rotate', 'reset'])('%s names every wrong variable at once', async (command) => {
    const wrong = { TOKEN_ALGORITHM: 'HS256', KEY_ROTATION_INTERVAL: 'often', APP_SECRET: 'short' }
    const result = await operatorOf({ database }, wrong).keys([command])
    expect(result).toMatchObject({ status: 1, stdout: '' })
    for (const name of Object.keys(wrong)) expect(result.stderr).toContain(name)
    expect(result.stderr).not.toContain('HS256')
  })
})

describe('npm run db:migrate', () => {
  it('makes the schema, and is content if it is there', async () => {
    for (let run = 0; run < 2; run += 1) {
      const result = await operator.migrate()
      expect(result).toMatchObject({
        status: 0,
        stdout: 'The database is up to date.\n',
        stderr: '',
      })
    }
    expect(await database.query('select * from users')).toEqual([])
  })

  it('says what is wrong with the database, and how to continue', async () => {
    const result = await operatorOf({ database: { url: 'sqlite:/dev/null/latchkey.db' } }).migrate()
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toContain('/dev/null/latchkey.db cannot be used')
    expect(result.stderr).not.toContain('    at ')
  })
})
