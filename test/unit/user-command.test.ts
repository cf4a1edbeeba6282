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
  ])('shows how it is used, given %s', async (_name, args) => {
    const { status, stdout, stderr } = await operator.user(args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('Usage: npm run user -- <command>')
    expect(stderr).not.toContain('    at ')
  })

  it.each<[string, string[], string]>([
    ['nobody', ['show'], 'Name the person by --email or by --id.'],
    ['two names', ['disable', ...person, '--id', unknownId], 'Name the person by'],
    ['an unknown address', ['show', ...person], 'There is no such account.'],
    ['an unknown id', ['delete', '--id', unknownId], 'There is no such account.'],
    ['no id', ['enable', '--id', "x' or 1=1 --"], 'There is no such account.'],
    ['no address', ['end-sessions', '--email', '*'], 'There is no such account.'],
    ['no role', ['grant', ...person], '--role must be one of USER, ADMIN.'],
    ['an unknown role', ['grant', ...person, '--role', 'admin'], '--role must be one of'],
    ['the role of everybody', ['revoke', ...person, '--role', 'USER'], 'To lock somebody out'],
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
})
