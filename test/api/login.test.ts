import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../support/client.ts'
import { holdNext, recordHashing } from '../support/hashing.ts'
import { startServer, type TestServer } from '../support/server.ts'

/** Of `correct horse battery`, at a lower cost than the server's here. */
const cheapHash = '$2b$04$aa.Aab1b8ImIxXwbpvDFPu6I227NKr.c5MYoZwwibf069xo4How.2'
const password = 'correct horse battery'
const wrong = 'not the password'
const cost = 6

describe('a refused login', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer({}, { passwordCost: cost })))
  afterAll(() => server.close())

  const update = (email: string, column: string, value: string | number | null) =>
    server.database.query(`update users set ${column} = ? where email = ?`, [value, email])

  /** What someone may want to find out about an account, and how it comes to be. */
  const accounts: Record<string, () => Promise<string>> = {
    'an unknown address': async () => 'nobody@example.com',
    'a known address': async () => (await server.client.register()).email,
    'a disabled account': async () => {
      const { email } = await server.client.register()
      await update(email, 'disabled_at', server.now())
      return email
    },
    'an account without a password': async () => {
      const { email } = await server.client.register()
      await update(email, 'password_hash', null)
      return email
    },
    'an account whose hash is corrupt': async () => {
      const { email } = await server.client.register()
      await update(email, 'password_hash', 'junk')
      return email
    },
    'an account whose hash is cheap': async () => {
      const { email } = await server.client.register()
      await update(email, 'password_hash', cheapHash)
      return email
    },
  }

  // OWASP ASVS 6.3.8, CVE-2026-31888: nothing says which accounts exist.
  it.each(Object.keys(accounts))('answers for %s as for every other', async (name) => {
    const email = await accounts[name]!()
    const reference = await server.client.login('reference@example.com', wrong)
    const answer = await server.client.login(email, wrong)
    expect(answer.code).toBe('INVALID_CREDENTIALS')
    expect(visible(answer)).toEqual(visible(reference))
  })

  // CVE-2026-39321, CVE-2025-46736: the same work, so that time does not tell either.
  // What a worker does with a cheap hash is in test/unit/password-hasher.test.ts.
  it.each(Object.keys(accounts))('costs for %s one comparison of full cost', async (name) => {
    const email = await accounts[name]!()
    const tasks = recordHashing()
    await server.client.login(email, wrong)
    expect(tasks).toEqual([expect.objectContaining({ kind: 'verify', password: wrong, cost })])
  })

  it.each([
    ['no address at all', 'ada'],
    ['nothing', ''],
    ['two addresses', 'a@x.test,b@y.test'],
    ['a look-alike', 'mi\u212Ae@example.com'],
    ['very long', `${'a'.repeat(50_000)}@example.com`],
    ['a lone surrogate', 'ada\uD800@example.com'],
  ])('says no more of an e-mail that is %s', async (_what, email) => {
    const reference = await server.client.login('reference@example.com', wrong)
    const tasks = recordHashing()
    const answer = await server.client.login(email, wrong)
    expect(visible(answer)).toEqual(visible(reference))
    expect(tasks).toHaveLength(1)
  })

  it('starts no session', async () => {
    const { email, user } = await server.client.register()
    await server.client.login(email, wrong)
    const rows = await server.database.query('select id from sessions where user_id = ?', [user.id])
    expect(rows).toHaveLength(1)
  })

  // OWASP ASVS 6.3.8: only who proves to be the owner hears of it.
  it('says that the account is disabled only if the password is right', async () => {
    const email = await accounts['a disabled account']!()
    expect((await server.client.login(email, wrong)).code).toBe('INVALID_CREDENTIALS')
    const answer = await server.client.login(email, password)
    expect([answer.status, answer.code, answer.reason]).toEqual([
      401,
      'UNAUTHENTICATED',
      'ACCOUNT_DISABLED',
    ])
  })

  it.each([
    'junk',
    '$',
    '$2b$06$',
    '$2b$06$tooshort',
    `$2b$03$${'a'.repeat(53)}`,
    `$2b$16$${'a'.repeat(53)}`,
    `$2b$31$${'a'.repeat(53)}`,
    `$2b$99$${'a'.repeat(53)}`,
    `$2x$06$${'a'.repeat(53)}`,
    `$2b$06$${'é'.repeat(53)}`,
    ' '.repeat(60),
  ])('is the only effect of the corrupt hash %j, with a line in the log', async (hash) => {
    const { email, user } = await server.client.register()
    await update(email, 'password_hash', hash)
    const tasks = recordHashing()
    const answer = await server.client.login(email, password)
    expect(answer.code).toBe('INVALID_CREDENTIALS')
    expect(tasks).toEqual([expect.objectContaining({ kind: 'verify', hash: undefined, cost })])
    const lines = server
      .logText()
      .split('\n')
      .filter((line) => line.includes(user.id) && !line.includes('"msg":"audit"'))
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      userId: user.id,
      msg: 'The stored password hash is corrupt',
    })
  })

  it('is what an account without a password gets for an empty one', async () => {
    const email = await accounts['an account without a password']!()
    expect((await server.client.login(email, '')).code).toBe('INVALID_CREDENTIALS')
  })

  it('is what every well-known account of a fresh server gets', async () => {
    const fresh = await startServer()
    expect(await fresh.database.query('select id from users')).toEqual([])
    for (const name of ['admin', 'root', 'test', 'admin@example.com']) {
      expect((await fresh.client.login(name, name)).code).toBe('INVALID_CREDENTIALS')
    }
  })

  /** Everything that the client can see, but for what differs from request to request anyway. */
  function visible({ status, text, headers }: Answer) {
    const list = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
    return { status, text, headers: list }
  }
})

describe('while a login is being checked', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer()))
  afterAll(() => server.close())

  const sessionsOf = (userId: string) =>
    server.database.query('select id from sessions where user_id = ?', [userId])

  it('the password changes: the old one opens nothing', async () => {
    const { client } = server
    const { email, accessToken, user } = await client.register()
    const held = holdNext('verify')
    const login = client.login(email, password)
    await held.reached
    const change = await client
      .as(accessToken)
      .send(
        `mutation { changePassword(currentPassword: "${password}", newPassword: "a new password") { tokenType } }`,
      )
    expect(change.errors).toBeUndefined()
    held.release()
    expect((await login).code).toBe('INVALID_CREDENTIALS')
    expect(await sessionsOf(user.id)).toHaveLength(1)
  })

  it('the account is disabled: it stays closed', async () => {
    const { client } = server
    const { email, user } = await client.register()
    const held = holdNext('verify')
    const login = client.login(email, password)
    await held.reached
    await server.database.query('update users set disabled_at = ? where id = ?', [1, user.id])
    held.release()
    expect((await login).reason).toBe('ACCOUNT_DISABLED')
    expect(await sessionsOf(user.id)).toHaveLength(1)
  })

  it('the account is deleted: there is nothing to sign in to', async () => {
    const { client } = server
    const { email, user } = await client.register()
    const held = holdNext('verify')
    const login = client.login(email, password)
    await held.reached
    await server.database.query('delete from users where id = ?', [user.id])
    held.release()
    expect((await login).code).toBe('INVALID_CREDENTIALS')
    expect(await sessionsOf(user.id)).toEqual([])
  })
})

describe('a hash of lower cost than is configured', () => {
  // OWASP ASVS 11.2.2
  it('is renewed by the next login, and by no further one', async () => {
    const { client, database } = await startServer({}, { passwordCost: 5 })
    const { email, user } = await client.register()
    await database.query('update users set password_hash = ? where id = ?', [cheapHash, user.id])
    const storedHash = async () =>
      (await database.query('select password_hash from users where id = ?', [user.id]))[0]![
        'password_hash'
      ]

    const tasks = recordHashing()
    expect((await client.login(email, wrong)).code).toBe('INVALID_CREDENTIALS')
    expect(await storedHash()).toBe(cheapHash)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => client.login(email, password)),
    )
    expect(answers.filter(({ errors }) => errors)).toEqual([])
    const renewed = await storedHash()
    expect(renewed).toMatch(/^\$2b\$05\$/)

    const before = tasks.length
    expect((await client.login(email, password)).errors).toBeUndefined()
    expect(tasks.slice(before).map(({ kind }) => kind)).toEqual(['verify'])
    expect(await storedHash()).toBe(renewed)
  })

  it('is not renewed over a password that was changed meanwhile', async () => {
    const { client, database } = await startServer({}, { passwordCost: 5 })
    const { email, user } = await client.register()
    await database.query('update users set password_hash = ? where id = ?', [cheapHash, user.id])
    const held = holdNext('replace')
    const login = client.login(email, password)
    await held.reached
    await database.query('update users set password_hash = ? where id = ?', ['changed', user.id])
    held.release()
    expect((await login).errors).toBeUndefined()
    const rows = await database.query('select password_hash from users where id = ?', [user.id])
    expect(rows).toEqual([{ password_hash: 'changed' }])
  })
})
