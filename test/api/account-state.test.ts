import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { AuditTrail } from '../../src/core/audit/audit-trail.ts'
import type { Answer, Client, Tokens } from '../support/client.ts'
import { operatorOf } from '../support/command.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { decodeCompact } from '../support/signing.ts'

type Registered = Awaited<ReturnType<Client['register']>>
type Account = Tokens & { readonly email: string; readonly password: string }

// ASVS 7.4.2; CVE-2025-53942, CVE-2024-46999: the operator acts, and the running server obeys.
describe('with a live token, an account', () => {
  let servers: [TestServer, TestServer]
  let operator: ReturnType<typeof operatorOf>
  beforeAll(async () => {
    const server = await startServer()
    servers = [server, await server.sibling()]
    operator = operatorOf(server)
  })
  afterAll(() => servers[0].close())

  const run = async (command: string, account: Account, ...options: string[]) => {
    const result = await operator.user([command, '--email', account.email, ...options])
    expect(result).toMatchObject({ status: 0, stderr: '' })
    return result.stdout
  }
  /** What each way of using the account says, on both servers. */
  const reasonsFor = async (account: Account) => {
    const reasons: Record<string, string | undefined> = {}
    const [here, there] = servers
    const person = here.client.as(account.accessToken)
    reasons['me'] = (await person.send('{ me { id } }')).reason
    reasons['protected'] = (await there.client.as(account.accessToken).send('{ protected }')).reason
    reasons['refreshToken'] = (await there.client.refresh(account.refreshToken)).reason
    const change = await person.send(
      'mutation ($p: String!) { changePassword(currentPassword: $p, newPassword: $p) { tokenType } }',
      { p: account.password },
    )
    reasons['changePassword'] = change.reason
    const login = await here.client.login(account.email, account.password)
    reasons['login'] = login.reason ?? login.code
    return reasons
  }

  it('is disabled: nothing of it works from the next request on', async () => {
    const account = await servers[0].client.register()
    expect(await run('disable', account)).toContain(account.user.id)
    expect(await reasonsFor(account)).toEqual({
      me: 'ACCOUNT_DISABLED',
      protected: 'ACCOUNT_DISABLED',
      refreshToken: 'ACCOUNT_DISABLED',
      changePassword: 'ACCOUNT_DISABLED',
      login: 'ACCOUNT_DISABLED',
    })
    // Who does not know the password learns nothing.
    const stranger = await servers[0].client.login(account.email, 'not the password')
    expect(stranger.code).toBe('INVALID_CREDENTIALS')
    // Twice is once.
    await run('disable', account)

    expect(await run('enable', account)).toContain(account.user.id)
    expect(await reasonsFor(account)).toMatchObject({
      me: 'SESSION_ENDED',
      refreshToken: 'SESSION_ENDED',
      login: undefined,
    })
  })

  it('is deleted: nothing of it works, and nothing brings it back', async () => {
    const account = await servers[0].client.register()
    expect(await run('delete', account)).toContain(`Deleted ${account.user.id}`)
    const gone = {
      me: 'SESSION_ENDED',
      protected: 'SESSION_ENDED',
      refreshToken: 'SESSION_ENDED',
      changePassword: 'SESSION_ENDED',
      login: 'INVALID_CREDENTIALS',
    }
    expect(await reasonsFor(account)).toEqual(gone)
    for (const [table, column] of [
      ['users', 'id'],
      ['sessions', 'user_id'],
    ]) {
      const sql = `select 1 from ${table} where ${column} = ?`
      expect(await servers[0].database.query(sql, [account.user.id])).toEqual([])
    }
    // The address is free; who takes it is someone else.
    const next = await servers[0].client.register({ email: account.email })
    expect(next.user.id).not.toBe(account.user.id)
    expect(await reasonsFor(account)).toMatchObject({ me: 'SESSION_ENDED' })
  })

  it('gets and loses a role: the token of before has what the account has', async () => {
    const account = await servers[0].client.register()
    const rolesOf = async (server: TestServer, accessToken: string) =>
      (await server.client.as(accessToken).send('{ me { roles } }')).data.me.roles
    expect(await run('grant', account, '--role', 'ADMIN')).toContain('USER, ADMIN')
    expect(await rolesOf(servers[0], account.accessToken)).toEqual(['USER', 'ADMIN'])
    const admin = (await servers[1].client.refresh(account.refreshToken)).data.refreshToken
    expect(decodeCompact(admin.accessToken).claims['roles']).toEqual(['USER', 'ADMIN'])
    // Twice is once.
    expect(await run('grant', account, '--role', 'ADMIN')).toContain('USER, ADMIN.')

    expect(await run('revoke', account, '--role', 'ADMIN')).toContain('the roles USER.')
    for (const server of servers) {
      expect(await rolesOf(server, admin.accessToken)).toEqual(['USER'])
    }
    const demoted = (await servers[0].client.refresh(admin.refreshToken)).data.refreshToken
    expect(decodeCompact(demoted.accessToken).claims['roles']).toEqual(['USER'])
  })

  // ASVS 7.4.5.
  it('is signed out everywhere, and can sign in again', async () => {
    const account = await servers[0].client.register()
    const bystander = await servers[0].client.register()
    await servers[1].client.login(account.email, account.password)
    expect(await run('end-sessions', account)).toContain('Ended 2 sessions')
    expect(await reasonsFor(account)).toEqual({
      me: 'SESSION_ENDED',
      protected: 'SESSION_ENDED',
      refreshToken: 'SESSION_ENDED',
      changePassword: 'SESSION_ENDED',
      login: undefined,
    })
    expect(await reasonsFor(bystander)).toMatchObject({ me: undefined, refreshToken: undefined })
  })

  it('is shown to the operator, with nothing that signs in', async () => {
    const account = await servers[0].client.register({ name: 'Ada Lovelace' })
    const byEmail = await run('show', account)
    const byId = await operator.user(['show', '--id', account.user.id.toUpperCase()])
    expect(byId).toMatchObject({ status: 0, stdout: byEmail })
    for (const part of [account.user.id, account.email, 'Ada Lovelace', 'USER']) {
      expect(byEmail).toContain(part)
    }
    expect(byEmail).toMatch(/^sessions +1$/m)
    expect(byEmail).toMatch(/^disabled +no$/m)
    const [row] = await servers[0].database.query('select * from users where id = ?', [
      account.user.id,
    ])
    const { sid } = decodeCompact(account.accessToken).claims
    for (const secret of [String(row!['password_hash']), account.password, String(sid)]) {
      expect(byEmail).not.toContain(secret)
    }
  })

  it('is made by the operator, and signs in', async () => {
    const made = await operator.user(
      [
        'create',
        '--email',
        ' Grace@Example.com ',
        '--name',
        'Grace',
        '--role',
        'ADMIN',
        '--password-stdin',
      ],
      'a password from a pipe\n',
    )
    expect(made).toMatchObject({ status: 0, stderr: '' })
    expect(made.stdout).not.toContain('pipe')
    const login = await servers[0].client.login('grace@example.com', 'a password from a pipe')
    const { accessToken, user } = login.data.login
    expect(made.stdout).toContain(`Created grace@example.com, ${user.id}.`)
    const answer = await servers[1].client
      .as(accessToken)
      .send('{ me { name emailVerified roles hasPassword } }')
    expect(answer.data.me).toEqual({
      name: 'Grace',
      emailVerified: true,
      roles: ['USER', 'ADMIN'],
      hasPassword: true,
    })
    // The address has an account now, for the operator and for everyone.
    const again = await operator.user(['create', '--email', 'GRACE@example.com'])
    expect(again).toMatchObject({ status: 1, stdout: '' })
    expect(again.stderr).toBe('There is an account with the address grace@example.com.\n')
  })
})

it('an account that is deleted while the response is made is not signed in, but learns that its new password took effect', async () => {
  const server = await startServer()
  const transactional = AuditTrail.prototype.transactional
  const spy = vi.spyOn(AuditTrail.prototype, 'transactional')
  onTestFinished(() => spy.mockRestore())
  const gone = async (attempt: (account: Registered) => Promise<Answer>) => {
    const account = await server.client.register()
    // What is committed is committed.
    spy.mockImplementationOnce(async function (this: AuditTrail, ...parameters) {
      const result = await transactional.apply(this, parameters)
      await server.database.query('delete from users where id = ?', [account.user.id])
      return result
    })
    const { code, reason, data } = await attempt(account)
    return { code, reason, data }
  }
  expect(await gone(({ email, password }) => server.client.login(email, password))).toEqual({
    code: 'INVALID_CREDENTIALS',
    reason: undefined,
    data: null,
  })
  const change =
    'mutation ($p: String!) { changePassword(currentPassword: $p, newPassword: "another password") { tokenType } }'
  expect(
    await gone(({ accessToken, password }) =>
      server.client.as(accessToken).send(change, { p: password }),
    ),
    // Nothing is asked of the database any more, which might not answer.
  ).toEqual({
    code: undefined,
    reason: undefined,
    data: { changePassword: { tokenType: 'Bearer' } },
  })
})
