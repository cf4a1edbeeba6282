// What `npm run user -- set-password` and `remove-password` do to accounts of a running server.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsOf, sinceSignUp } from '../support/audit.ts'
import { operatorOf } from '../support/command.ts'
import { holdNext } from '../support/hashing.ts'
import { startServer, type TestServer } from '../support/server.ts'

const google = { GOOGLE_CLIENT_ID: 'latchkey', GOOGLE_CLIENT_SECRET: 'secret' }
let server: TestServer
let operator: ReturnType<typeof operatorOf>
beforeAll(async () => {
  server = await startServer({}, { requestTimeoutMilliseconds: 60_000 })
  operator = operatorOf(server, google)
})
afterAll(() => server.close())

const link = async (userId: string, provider: string) =>
  server.database.query(
    'insert into identities (id, user_id, provider, subject, email, linked_at) values (?, ?, ?, ?, null, 1)',
    [randomUUID(), userId, provider, userId],
  )
const codeOf = async (email: string, password: string) =>
  (await server.client.login(email, password)).code

describe('npm run user -- set-password', () => {
  it('prints a new password, with which alone the user can sign in, and ends every session', async () => {
    const { accessToken, email, password, refreshToken, user } = await server.client.register()
    await server.client.login(email, password)
    const { status, stdout, stderr } = await operator.user(['set-password', '--email', email])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain(`Set the password of ${user.id}. Ended 2 sessions.`)
    const given = /^Password: ([\w-]{24})$/m.exec(stdout)![1]!
    expect((await server.client.as(accessToken).send('{ me { id } }')).reason).toBe('SESSION_ENDED')
    expect((await server.client.refresh(refreshToken)).code).toBe('INVALID_REFRESH_TOKEN')
    expect(await codeOf(email, password)).toBe('INVALID_CREDENTIALS')
    const { data } = await server.client.login(email, given)
    expect(data.login.user.id).toBe(user.id)
    const me = await server.client.as(data.login.accessToken).send('{ me { passwordExpiresAt } }')
    const days = (Date.parse(me.data.me.passwordExpiresAt) - server.now()) / 86_400_000
    expect(Math.round(days)).toBe(7)
    expect(await sinceSignUp(server, user.id)).toEqual([
      'SIGNED_IN password',
      'PASSWORD_CHANGED -2 by OPERATOR',
      'SIGN_IN_FAILED WRONG_PASSWORD password by ANONYMOUS',
      'SIGNED_IN password',
    ])
    const event = (await eventsOf(server, user.id)).find(({ actor }) => actor === 'OPERATOR')
    expect(event).toMatchObject({ operator: expect.stringMatching(/@/), ip: null })
  })

  it('takes the password from standard input, and leaves a disabled account closed', async () => {
    const { email, user } = await server.client.register()
    await operator.user(['disable', '--id', user.id])
    const args = ['set-password', '--id', user.id, '--password-stdin']
    const { stdout } = await operator.user(args, 'a pass phrase of theirs\n')
    expect(stdout).toContain('The account is disabled')
    expect(stdout).not.toContain('pass phrase')
    const refused = await server.client.login(email, 'a pass phrase of theirs')
    expect(refused.reason).toBe('ACCOUNT_DISABLED')
    await operator.user(['enable', '--id', user.id])
    expect(await codeOf(email, 'a pass phrase of theirs')).toBeUndefined()
  })

  it('gives a first password to an account that had none', async () => {
    const { email, user } = await server.client.register()
    await server.database.query('update users set password_hash = null where id = ?', [user.id])
    await operator.user(['set-password', '--email', email, '--password-stdin'], 'the first one\n')
    expect(await codeOf(email, 'the first one')).toBeUndefined()
    expect(await sinceSignUp(server, user.id)).toContain('PASSWORD_SET -1 by OPERATOR')
  })

  it('is not undone by what was under way with the old password', async () => {
    const { accessToken, email, password, user } = await server.client.register()
    const change =
      'mutation ($p: String!) { changePassword(currentPassword: $p, newPassword: "a thief chose it") { tokenType } }'
    const signIn = holdNext('verify')
    const login = server.client.login(email, password)
    await signIn.reached
    const replacing = holdNext('replace')
    const changed = server.client.as(accessToken).send(change, { p: password })
    await replacing.reached
    await operator.user(['set-password', '--id', user.id, '--password-stdin'], 'the new one\n')
    signIn.release()
    replacing.release()
    expect((await login).code).toBe('INVALID_CREDENTIALS')
    expect((await changed).reason).toBe('SESSION_ENDED')
    expect(await codeOf(email, 'a thief chose it')).toBe('INVALID_CREDENTIALS')
    expect(await codeOf(email, 'the new one')).toBeUndefined()
  })
})

describe('npm run user -- remove-password', () => {
  it('refuses if nothing else signs in, unless it is forced', async () => {
    const { email, password, user } = await server.client.register()
    // Of a provider that this server does not have.
    await link(user.id, 'gone')
    const refused = await operator.user(['remove-password', '--email', email])
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(refused.stderr).toContain('--force')
    expect(await codeOf(email, password)).toBeUndefined()
    expect(await sinceSignUp(server, user.id)).toEqual(['SIGNED_IN password'])
    const forced = await operator.user(['remove-password', '--email', email, '--force'])
    expect(forced.stdout).toBe(`Removed the password of ${user.id}. Ended 2 sessions.\n`)
    expect(await codeOf(email, password)).toBe('INVALID_CREDENTIALS')
  })

  it('ends every session of an account with a provider, once', async () => {
    const { accessToken, user } = await server.client.register()
    await link(user.id, 'google')
    const args = ['remove-password', '--id', user.id]
    expect((await operator.user(args)).stdout).toContain('Ended 1 session.')
    expect(await operator.user(args)).toMatchObject({
      status: 0,
      stdout: `${user.id} has no password.\n`,
    })
    expect((await server.client.as(accessToken).send('{ me { id } }')).reason).toBe('SESSION_ENDED')
    expect(await sinceSignUp(server, user.id)).toEqual(['PASSWORD_REMOVED -1 by OPERATOR'])
  })
})
