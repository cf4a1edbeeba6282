// What the audit trail has of operators' commands, and what they leave in it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsOf, inWords, sinceSignUp } from '../support/audit.ts'
import { operatorOf } from '../support/command.ts'
import { holdNext } from '../support/hashing.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => (server = await startServer()))
afterAll(() => server.close())

describe("an operator's command", () => {
  it('is in the audit trail, with the operator, if it changed something', async () => {
    const { user, email, password } = await server.client.register()
    const operator = operatorOf(server)
    const name = ['--email', email]
    await server.client.login(email, password)
    await operator.user(['grant', ...name, '--role', 'ADMIN'])
    await operator.user(['grant', ...name, '--role', 'ADMIN'])
    await operator.user(['revoke', ...name, '--role', 'ADMIN'])
    await operator.user(['revoke', ...name, '--role', 'ADMIN'])
    await operator.user(['end-sessions', ...name])
    await operator.user(['end-sessions', ...name])
    await operator.user(['disable', ...name])
    await operator.user(['disable', ...name])
    await operator.user(['enable', ...name])
    await operator.user(['enable', ...name])
    expect((await sinceSignUp(server, user.id)).slice(1)).toEqual([
      'ROLE_GRANTED ADMIN by OPERATOR',
      'ROLE_REVOKED ADMIN by OPERATOR',
      'SESSION_ENDED -2 by OPERATOR',
      'ACCOUNT_DISABLED by OPERATOR',
      'ACCOUNT_ENABLED -0 by OPERATOR',
    ])
    const events = await eventsOf(server, user.id)
    expect(events.at(-1)).toMatchObject({
      operator: expect.stringMatching(/^[\w.-]+@\S+$/),
      ip: null,
    })
  })

  it('that makes an account is, and one that deletes it leaves no address behind', async () => {
    const operator = operatorOf(server)
    const email = 'made.by.operator@example.com'
    const made = await operator.user(['create', '--email', email, '--role', 'ADMIN'])
    const id = / ([\da-f-]{36})\./.exec(made.stdout)![1]!
    const password = /^Password: (.*)$/m.exec(made.stdout)![1]!
    await server.client.login(email, password)
    await server.client.login(email, 'not the password')
    expect((await eventsOf(server, id)).filter(({ ip }) => ip !== null)).toHaveLength(2)
    await operator.user(['delete', '--id', id])
    const events = await eventsOf(server, id)
    expect(inWords(events)).toEqual([
      'ACCOUNT_CREATED by OPERATOR',
      'ROLE_GRANTED ADMIN by OPERATOR',
      'SIGNED_IN password',
      'SIGN_IN_FAILED WRONG_PASSWORD password by ANONYMOUS',
      'ACCOUNT_DELETED by OPERATOR',
    ])
    expect(events.filter(({ ip, user_agent }) => ip !== null || user_agent !== null)).toEqual([])
    expect(JSON.stringify(events)).not.toContain(email)
  })

  it('that deletes an account while someone signs in leaves no address behind', async () => {
    // However long the command takes: those who sign in are kept waiting meanwhile.
    const own = await startServer({}, { requestTimeoutMilliseconds: 60_000 })
    const { user, email, password, accessToken } = await own.client.register()
    const signedIn = own.client.as(accessToken)
    const wrongChange =
      'mutation { changePassword(currentPassword: "not the password", newPassword: "a new password") { accessToken } }'
    const attempts = [
      ['verify', () => own.client.login(email, 'not the password')],
      ['verify', () => own.client.login(email, password)],
      ['replace', () => signedIn.send(wrongChange)],
    ] as const
    const held = []
    for (const [task, attempt] of attempts) {
      const verifying = holdNext(task)
      held.push({ verifying, answer: attempt() })
      await verifying.reached
    }
    await operatorOf(own).user(['delete', '--id', user.id])
    for (const { verifying, answer } of held) {
      verifying.release()
      expect((await answer).code).toBe('INVALID_CREDENTIALS')
    }
    const events = await eventsOf(own, user.id)
    expect(inWords(events).slice(3)).toEqual([
      'SIGN_IN_FAILED WRONG_PASSWORD password by ANONYMOUS',
      'SIGN_IN_FAILED CREDENTIALS_CHANGED password by ANONYMOUS',
      'PASSWORD_CHANGE_FAILED WRONG_PASSWORD',
    ])
    expect(events.filter(({ ip, user_agent }) => ip !== null || user_agent !== null)).toEqual([])
  })

  it('on the keys is', async () => {
    const own = await startServer()
    await own.client.register()
    const operator = operatorOf(own)
    await operator.keys(['rotate'])
    await operator.keys(['reset'])
    expect(inWords(await eventsOf(own, null))).toEqual([
      'KEYS_ROTATED by OPERATOR',
      'KEYS_RESET -1 by OPERATOR',
    ])
  })
})
