import { hashSync } from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingCosts } from '../../src/features/passwords/bcrypt.worker.ts'
import { recordHashing, type RecordedTask } from '../support/hashing.ts'
import { startServer, type TestServer } from '../support/server.ts'

const cost = 6
let server: TestServer
/** E-mail addresses, by what there is of their accounts. */
const emails = new Map<string, string>()
beforeAll(async () => {
  server = await startServer({}, { passwordCost: cost })
  const withHash = async (what: string, passwordHash: string | null) => {
    const { email, user } = await server.client.register()
    const values = [passwordHash, user.id]
    await server.database.query('update users set password_hash = ? where id = ?', values)
    emails.set(what, email)
    return user.id
  }
  emails.set('no account', 'nobody@example.com')
  emails.set('no e-mail address', 'nobody')
  await withHash('a password', hashSync('correct horse battery', cost))
  await withHash('a hash of lower cost', hashSync('correct horse battery', 4))
  await withHash('no password', null)
  await withHash('a corrupt hash', 'not a hash')
  const id = await withHash('been disabled', hashSync('correct horse battery', cost))
  await server.database.query('update users set disabled_at = ? where id = ?', [server.now(), id])
})
afterAll(() => server.close())

/** Rounds of bcrypt for a password that is wrong. */
function rounds(tasks: readonly RecordedTask[]): number {
  return tasks
    .map((task) => (task.kind === 'verify' ? task : undefined))
    .flatMap((task) => [
      ...(task?.hash === undefined ? [] : [Number(task.hash.slice(4, 6))]),
      ...missingCosts(task?.hash, cost),
    ])
    .reduce((sum, one) => sum + 2 ** one, 0)
}

describe.each([
  ['that is wrong', 'not the password'],
  ['that is empty', ''],
  ['with a NUL', 'correct horse battery\0'],
  ['of more than 72 bytes', 'a'.repeat(73)],
  ['of more than 72 bytes in few characters', '😀'.repeat(30)],
  ['of 90 KB', 'a'.repeat(90_000)],
  ['with broken Unicode', 'correct horse \ud800'],
])('a sign-in with a password %s', (_what, password) => {
  it('does the work of one hash, whatever there is of the account', async () => {
    const tasks = recordHashing()
    for (const [what, email] of emails) {
      const before = tasks.length
      const answer = await server.client.login(email, password)
      expect([what, answer.code]).toEqual([what, 'INVALID_CREDENTIALS'])
      const done = tasks.slice(before)
      expect([what, done.length, rounds(done)]).toEqual([what, 1, 2 ** cost])
    }
  })

  it('does the same if it is the current password of a change', async () => {
    const { accessToken } = await server.client.register()
    const tasks = recordHashing()
    const answer = await server.client.as(accessToken).send(
      `mutation ($current: String!) {
        changePassword(currentPassword: $current, newPassword: "another horse battery") { accessToken }
      }`,
      { current: password },
    )
    expect(answer.code).toBe('INVALID_CREDENTIALS')
    expect([tasks.length, rounds(tasks)]).toEqual([1, 2 ** cost])
  })
})

describe('a registration', () => {
  it('does the work of one hash, whether or not there is an account', async () => {
    const { email } = await server.client.register()
    const tasks = recordHashing()
    for (const [address, code] of [
      [email, 'EMAIL_TAKEN'],
      ['newcomer@example.com', undefined],
    ] as const) {
      const answer = await server.client.send(
        'mutation ($email: String!) { register(email: $email, password: "correct horse battery") { accessToken } }',
        { email: address },
      )
      expect(answer.code).toBe(code)
    }
    const kinds = tasks.map((task) => [task.kind, task.cost])
    expect(kinds).toEqual([
      ['hash', cost],
      ['hash', cost],
    ])
  })
})
