import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorOf } from '../support/command.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

// What the commands do to a running server is in test/api/account-state.test.ts.
describe.concurrent('npm run user', () => {
  let database: TestDatabase
  let operator: ReturnType<typeof operatorOf>
  beforeAll(async () => {
    database = await createTestDatabase()
    operator = operatorOf({ database })
    await operator.migrate()
  })
  afterAll(() => database.remove())

  const person = ['--email', 'ada@example.com']
  const unknownId = '9b2d3a0c-0000-4000-8000-000000000000'

  it.each([
    ['nothing', []],
    ['an unknown command', ['promote', ...person]],
    ['an inherited property', ['constructor', ...person]],
    ['a second command', ['show', 'delete', ...person]],
    ['an unknown option', ['show', '--mail', 'ada@example.com']],
    ['an option without its value', ['show', '--email']],
    ['a value for a switch', ['create', ...person, '--password-stdin=yes']],
    ['a password on the command line', ['create', ...person, '--password', 'correct horse']],
    ['a filter for one account', ['delete', ...person, '--disabled']],
    ['force for what needs none', ['set-password', ...person, '--force']],
    ['one account for a list', ['list', ...person]],
  ])('shows how it is used, given %s', async (_name, args) => {
    const { status, stdout, stderr } = await operator.user(args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('Usage: npm run user -- <command>')
    expect(stderr).not.toContain('    at ')
  })

  it.each<[string, string[], string]>([
    ['nobody', ['show'], 'Name the account by --email or by --id.'],
    ['two names', ['disable', ...person, '--id', unknownId], 'Name the account by'],
    ['an unknown address', ['show', ...person], 'There is no such account.'],
    ['an unknown id', ['delete', '--id', unknownId], 'There is no such account.'],
    ['no id', ['enable', '--id', "x' or 1=1 --"], 'There is no such account.'],
    ['no address', ['end-sessions', '--email', '*'], 'There is no such account.'],
    ['no role', ['grant', ...person], '--role must be one of USER, ADMIN.'],
    ['an unknown role', ['grant', ...person, '--role', 'admin'], '--role must be one of'],
    ['a password for nobody', ['set-password'], 'Name the account'],
    ['a password for an unknown address', ['set-password', ...person], 'There is no such account.'],
    ['a removal for an unknown address', ['remove-password', ...person], 'There is no such'],
    ['a list of no role', ['list', '--role', 'OWNER'], '--role must be one of'],
    ['a list of nothing', ['list', '--limit', '0'], '--limit must be'],
    ['a list after no id', ['list', '--after', 'ada'], '--after must be the id of an account.'],
    ['the role of everybody', ['revoke', ...person, '--role', 'USER'], 'USER cannot be revoked'],
    ['a new account without address', ['create'], '--email must be an e-mail address.'],
    ['a new account at no address', ['create', '--email', 'a@b@c.example'], '--email must be'],
    ['a new account with no role', ['create', ...person, '--role', ''], '--role must be one of'],
    ['a long name', ['create', ...person, '--name', 'x'.repeat(201)], 'at most 200 characters'],
    ['a name with a line break', ['create', ...person, '--name', 'a\nb'], 'control characters'],
  ])('says what is wrong with %s, and changes nothing', async (_name, args, message) => {
    const { status, stdout, stderr } = await operator.user(args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(await database.query('select id from users where email = ?', [person[1]!])).toEqual([])
  })

  it.each([
    ['an empty line', '\n'],
    ['a short one', '😀😀😀😀😀😀😀\n'],
    ['one of 73 bytes', 'x'.repeat(73)],
    ['one with a NUL', 'correct\0horse'],
    ['a megabyte', 'x'.repeat(1024 * 1024)],
    ['the address itself', 'ada@example.com\n'],
  ])('takes no bad password from standard input: %s', async (_name, input) => {
    const result = await operator.user(['create', ...person, '--password-stdin'], input)
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toMatch(/^A password must /)
    expect(await database.query('select id from users where email = ?', [person[1]!])).toEqual([])
  })

  it('makes another password for each account, and keeps none', async () => {
    const emails = ['one@example.com', 'two@example.com']
    const passwords = []
    for (const email of emails) {
      const { stdout } = await operator.user(['create', '--email', email])
      passwords.push(/^Password: ([\w-]{24})$/m.exec(stdout)?.[1])
    }
    expect(new Set(passwords).size).toBe(2)
    expect(passwords).not.toContain(undefined)
    const dump = JSON.stringify(await database.query('select * from users'))
    for (const password of passwords) expect(dump).not.toContain(password)
    // ASVS 6.4.1: they are for the beginning only.
    const rows = await database.query(
      'select password_expires_at from users where email in (?, ?)',
      emails,
    )
    for (const { password_expires_at: expiresAt } of rows) {
      const left = Number(expiresAt) - Date.now()
      expect(left).toBeGreaterThan(6 * 86_400_000)
      expect(left).toBeLessThanOrEqual(7 * 86_400_000)
    }
    const { stdout } = await operator.user(['show', '--email', emails[0]!])
    expect(stdout).toMatch(/^password +set by an operator, until \d{4}-/m)
  })

  it('sets no bad password from standard input, and keeps the old one', async () => {
    const [id] = await insertUsers([{ email: 'grace@example.com', hash: 'old hash' }])
    const args = ['set-password', '--id', id!, '--password-stdin']
    const result = await operator.user(args, 'grace@example.com\n')
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toMatch(/^A password must /)
    const [row] = await database.query('select * from users where id = ?', [id!])
    expect(row).toMatchObject({ password_hash: 'old hash', credential_version: 0 })
  })

  it('sets no password of an account without an address', async () => {
    const [id] = await insertUsers([{ email: null }])
    const { status, stderr } = await operator.user(['set-password', '--id', id!])
    expect(status).toBe(1)
    expect(stderr).toContain('no e-mail address')
  })

  it('names every wrong variable at once, and no value', async () => {
    const result = await operatorOf(
      { database: { url: 'mysql://secret@host/db' } },
      { BCRYPT_COST: '99', APP_SECRET: 'short secret' },
    ).user(['show', ...person])
    expect(result).toMatchObject({ status: 1, stdout: '' })
    for (const name of ['DATABASE_URL', 'BCRYPT_COST', 'APP_SECRET']) {
      expect(result.stderr).toContain(name)
    }
    expect(result.stderr).not.toContain('secret@host')
    expect(result.stderr).not.toContain('short secret')
  })

  /** @returns their ids */
  async function insertUsers(
    users: readonly {
      email: string | null
      name?: string
      roles?: string
      hash?: string
      createdAt?: number
      disabledAt?: number
    }[],
  ): Promise<string[]> {
    return Promise.all(
      users.map(async ({ email, name, roles = '["USER"]', hash, createdAt = 1, disabledAt }) => {
        const id = randomUUID()
        await database.query(
          'insert into users (id, email, email_verified, name, roles, password_hash, credential_version, created_at, disabled_at) values (?, ?, 1, ?, ?, ?, 0, ?, ?)',
          [id, email, name ?? null, roles, hash ?? null, createdAt, disabledAt ?? null],
        )
        return id
      }),
    )
  }

  describe('list', () => {
    const admin = '["USER","ADMIN"]'
    let ids: string[]
    beforeAll(async () => {
      ids = await insertUsers([
        { email: 'list.one@example.com', name: 'Evil\u001b[2J\u202e', createdAt: 5, hash: 'x' },
        { email: 'list_two@example.com', name: 'Zoë O%Neil', createdAt: 4, roles: admin },
        { email: 'list.three@example.com', createdAt: 3, disabledAt: 9, roles: admin },
        { email: null, name: 'list four', createdAt: 2 },
      ])
    })

    it('gives one JSON object a line to programs, and says how to continue', async () => {
      const search = ['--search', 'LIST', '--limit', '1']
      const { stdout, stderr } = await operator.user(['list', '--json', ...search])
      expect(JSON.parse(stdout)).toEqual({
        id: ids[0],
        email: 'list.one@example.com',
        emailVerified: true,
        name: 'Evil\u001b[2J\u202e',
        roles: ['USER'],
        hasPassword: true,
        createdAt: '1970-01-01T00:00:00.005Z',
        lastSignedInAt: null,
        disabledAt: null,
      })
      expect(stderr).toBe(`There are more: add --after ${ids[0]}\n`)
    })

    it('is readable, in words that no name can disturb', async () => {
      const { stdout } = await operator.user(['list', '--search', 'list'])
      expect(stdout.trimEnd().split('\n')).toEqual([
        `${ids[0]}  list.one@example.com  USER  Evil�[2J�  never signed in`,
        `${ids[1]}  list_two@example.com  USER,ADMIN  Zoë O%Neil  no password  never signed in`,
        `${ids[2]}  list.three@example.com  USER,ADMIN  no password  never signed in  disabled`,
        `${ids[3]}  (no e-mail)  USER  list four  no password  never signed in`,
      ])
    })
  })
})
