import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EventIds } from '../../src/core/audit/event-id.ts'
import { operatorOf } from '../support/command.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const ada = '11111111-1111-4111-8111-111111111111'
const gone = '22222222-2222-4222-8222-222222222222'
const hour = 3_600_000

describe('a command that only looks', () => {
  it.each([
    ['events', []],
    ['user', ['show', '--email', 'ada@example.com']],
    ['user', ['list']],
  ] as const)('makes and migrates no database: %s', async (command, args) => {
    const database = await createTestDatabase()
    const file = database.url.slice('sqlite:'.length)
    expect(await operatorOf({ database })[command](args)).toEqual({
      status: 1,
      stdout: '',
      stderr: `There is no database ${file}.\n`,
    })
    expect(existsSync(file)).toBe(false)

    await operatorOf({ database }).migrate()
    await database.query("delete from mikro_orm_migrations where name like '%3%'")
    const { status, stderr } = await operatorOf({ database })[command](args)
    expect(status).toBe(1)
    expect(stderr).toContain('npm run db:migrate')
  })
})

describe.concurrent('npm run events', () => {
  let database: TestDatabase
  let operator: ReturnType<typeof operatorOf>
  beforeAll(async () => {
    database = await createTestDatabase()
    operator = operatorOf({ database })
    await operator.migrate()
    await database.query(
      "insert into users (id, email, email_verified, roles, credential_version, created_at) values (?, 'ada@example.com', 1, '[\"USER\"]', 0, 1)",
      [ada],
    )
    const ids = new EventIds()
    const insert = async (hoursAgo: number, event: Record<string, string | number | null>) => {
      const time = Date.now() - hoursAgo * hour
      const all = { id: ids.next(time), occurred_at: time, actor: 'ACCOUNT', ...event }
      await database.query(
        `insert into audit_events (${Object.keys(all).join(', ')}) values (${Object.keys(all)
          .map(() => '?')
          .join(', ')})`,
        Object.values(all),
      )
    }
    await insert(100, { type: 'SIGNED_IN', user_id: gone, method: 'google' })
    await insert(50, {
      type: 'ROLE_GRANTED',
      user_id: ada,
      role: 'ADMIN',
      actor: 'OPERATOR',
      operator: 'grace@host',
    })
    await insert(3, {
      type: 'SIGN_IN_FAILED',
      user_id: ada,
      actor: 'ANONYMOUS',
      reason: 'WRONG_PASSWORD',
      method: 'password',
      ip: '203.0.113.9',
      user_agent: 'Evil\u001b[2J\u009b2J\u202e/1.0',
    })
    await insert(2, {
      type: 'SIGN_IN_FAILED',
      user_id: null,
      actor: 'ANONYMOUS',
      reason: 'UNKNOWN_ACCOUNT',
      method: 'password',
    })
    await insert(1, {
      type: 'SESSION_ENDED',
      user_id: ada,
      reason: 'LOGOUT_ALL',
      sessions_ended: 2,
    })
  })
  afterAll(() => database.remove())

  /** The types that it lists. */
  const types = async (...args: string[]) => {
    const { status, stdout, stderr } = await operator.events(args)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ')[1])
  }

  it('lists what happened, the newest first, in words that no browser can disturb', async () => {
    const { stdout } = await operator.events([])
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}/
    const lines = stdout.trimEnd().split('\n')
    for (const line of lines) expect(line).toMatch(time)
    expect(lines.map((line) => line.replace(time, ''))).toEqual([
      'SESSION_ENDED           ada@example.com  LOGOUT_ALL  sessions ended: 2',
      'SIGN_IN_FAILED          -  UNKNOWN_ACCOUNT  password',
      'SIGN_IN_FAILED          ada@example.com  WRONG_PASSWORD  password  203.0.113.9  Evil�[2J�2J�/1.0',
      'ROLE_GRANTED            ada@example.com  ADMIN  operator: grace@host',
      `SIGNED_IN               ${gone}  google`,
    ])
  })

  it.each([
    [
      ['--email', 'ADA@example.com'],
      ['SESSION_ENDED', 'SIGN_IN_FAILED', 'ROLE_GRANTED'],
    ],
    [
      ['--id', ada.toUpperCase()],
      ['SESSION_ENDED', 'SIGN_IN_FAILED', 'ROLE_GRANTED'],
    ],
    [['--id', gone], ['SIGNED_IN']],
    [
      ['--event', 'SIGN_IN_FAILED'],
      ['SIGN_IN_FAILED', 'SIGN_IN_FAILED'],
    ],
    [
      ['--event', 'SIGNED_IN', '--event', 'ROLE_GRANTED'],
      ['ROLE_GRANTED', 'SIGNED_IN'],
    ],
    [
      ['--since', '150m'],
      ['SESSION_ENDED', 'SIGN_IN_FAILED'],
    ],
    [['--since', '3d', '--email', 'ada@example.com', '--event', 'ROLE_GRANTED'], ['ROLE_GRANTED']],
    [['--limit', '1'], ['SESSION_ENDED']],
  ])('lists what is asked for: %j', async (args, expected) => {
    expect(await types(...args)).toEqual(expected)
  })

  it('takes a time to start at', async () => {
    const since = new Date(Date.now() - 1.5 * hour).toISOString()
    expect(await types('--since', since)).toEqual(['SESSION_ENDED'])
  })

  it('says so if there is nothing', async () => {
    const { status, stdout } = await operator.events(['--event', 'KEYS_RESET'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'There are no such events.\n' })
    expect((await operator.events(['--json', '--event', 'KEYS_RESET'])).stdout).toBe('\n')
  })

  it('gives JSON to programs, a line an event', async () => {
    const { stdout } = await operator.events(['--json', '--limit', '3'])
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events[2]).toEqual({
      occurredAt: expect.stringMatching(/Z$/),
      type: 'SIGN_IN_FAILED',
      outcome: 'FAILURE',
      reason: 'WRONG_PASSWORD',
      userId: ada,
      email: 'ada@example.com',
      actor: 'ANONYMOUS',
      operator: null,
      method: 'password',
      role: null,
      sessionId: null,
      sessionsEnded: null,
      ip: '203.0.113.9',
      userAgent: 'Evil\u001b[2J\u009b2J\u202e/1.0',
      requestId: null,
    })
  })

  it.each<[string, string[], string]>([
    ['an unknown option', ['--mail', 'a@b.test'], 'Usage: npm run events -- [options]'],
    ['a word', ['show'], 'Usage: npm run events -- [options]'],
    ['two names', ['--email', 'ada@example.com', '--id', ada], 'by --email or by --id'],
    ['an unknown address', ['--email', 'eve@example.com'], 'There is no such account.'],
    ['no address', ['--email', '%'], 'There is no such account.'],
    ['no id', ['--id', "' or 1=1 --"], '--id must be'],
    ['an unknown type', ['--event', 'LOGIN'], '--event must be one of ACCOUNT_CREATED, '],
    ['no time', ['--since', 'yesterday'], '--since must be'],
    ['a time that no clock has', ['--since', '+275000-01-01T00:00:00Z'], '--since must be'],
    ['no number', ['--limit', '1e3'], '--limit must be'],
    ['nothing to list', ['--limit', '0'], '--limit must be'],
    ['too much', ['--limit', '10001'], '--limit must be'],
  ])('says what is wrong with %s', async (_name, args, message) => {
    const { status, stdout, stderr } = await operator.events(args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
  })
})
