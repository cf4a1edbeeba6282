import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { holdNext, recordHashing } from '../support/hashing.ts'
import { startServer, type TestServer } from '../support/server.ts'

const newPassword = 'a new password'
const document = `mutation ($currentPassword: String, $newPassword: String!) {
  changePassword(currentPassword: $currentPassword, newPassword: $newPassword) {
    accessToken refreshToken user { email hasPassword }
  }
}`

describe('changePassword', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer()))
  afterAll(() => server.close())

  const change = (accessToken: string, variables: Record<string, unknown>) =>
    server.client.as(accessToken).send(document, { newPassword, ...variables })
  const sessionsOf = (userId: string) =>
    server.database.query('select id from sessions where user_id = ?', [userId])

  it('makes the new password the one that signs in', async () => {
    const { client } = server
    const person = await client.register()
    const answer = await change(person.accessToken, { currentPassword: person.password })
    expect(answer.data.changePassword.user).toEqual({ email: person.email, hasPassword: true })
    expect((await client.login(person.email, person.password)).code).toBe('INVALID_CREDENTIALS')
    expect((await client.login(person.email, newPassword)).errors).toBeUndefined()
  })

  // OWASP ASVS 7.4.3, CVE-2026-28396: whoever else was signed in is so no longer.
  it('ends the other sessions at once, and renews the tokens of this one', async () => {
    const { client } = server
    const mine = await client.register()
    const other = (await client.login(mine.email, mine.password)).data.login
    const answer = await change(mine.accessToken, { currentPassword: mine.password })
    const renewed = answer.data.changePassword

    const refused = await client.as(other.accessToken).send('{ me { id } }')
    expect([refused.code, refused.reason]).toEqual(['UNAUTHENTICATED', 'SESSION_ENDED'])
    expect((await client.refresh(other.refreshToken)).code).toBe('INVALID_REFRESH_TOKEN')
    const me = await client.as(renewed.accessToken).send('{ me { id sessions { current } } }')
    expect(me.data.me).toEqual({ id: mine.user.id, sessions: [{ current: true }] })
    expect((await client.refresh(renewed.refreshToken)).errors).toBeUndefined()
    // A copy of the token before is no way back in.
    expect((await client.refresh(mine.refreshToken)).code).toBe('REFRESH_TOKEN_REUSED')
  })

  // CVE-2026-25889: a session alone must not be enough to take the account over.
  it.each([
    ['wrong', 'not the password', 'INVALID_CREDENTIALS', undefined],
    ['empty', '', 'INVALID_CREDENTIALS', undefined],
    ['null', null, 'BAD_USER_INPUT', 'currentPassword'],
    ['left out', undefined, 'BAD_USER_INPUT', 'currentPassword'],
  ])('changes nothing if the current password is %s', async (_what, given, code, field) => {
    const { client } = server
    const person = await client.register()
    const other = (await client.login(person.email, person.password)).data.login
    const answer = await change(person.accessToken, { currentPassword: given })
    expect(answer.code).toBe(code)
    expect(answer.errors?.[0]?.extensions.field).toBe(field)
    expect((await client.login(person.email, person.password)).errors).toBeUndefined()
    expect((await client.refresh(other.refreshToken)).errors).toBeUndefined()
    expect((await client.refresh(person.refreshToken)).errors).toBeUndefined()
  })

  it('is not for the anonymous, and does no work for them', async () => {
    const tasks = recordHashing()
    const answer = await server.client.send(document, { newPassword, currentPassword: 'x' })
    expect([answer.status, answer.code, answer.reason]).toEqual([
      401,
      'UNAUTHENTICATED',
      'TOKEN_MISSING',
    ])
    expect(tasks).toEqual([])
  })

  it('sets the first password of an account that has none', async () => {
    const { client, database } = server
    const person = await client.register()
    await database.query('update users set password_hash = null where id = ?', [person.user.id])
    const me = await client.as(person.accessToken).send('{ me { hasPassword } }')
    expect(me.data.me.hasPassword).toBe(false)
    const answer = await change(person.accessToken, {})
    expect(answer.data.changePassword.user.hasPassword).toBe(true)
    expect((await client.login(person.email, newPassword)).errors).toBeUndefined()
  })

  it('takes nothing for the current password of an account whose hash is corrupt', async () => {
    const { client, database } = server
    const person = await client.register()
    await database.query('update users set password_hash = ? where id = ?', ['', person.user.id])
    for (const currentPassword of [person.password, '', 'not the password']) {
      const answer = await change(person.accessToken, { currentPassword })
      expect(answer.code).toBe('INVALID_CREDENTIALS')
    }
  })

  it('can be done twice in one request, each time from what the password then is', async () => {
    const { client } = server
    const person = await client.register()
    const answer = await client.as(person.accessToken).send(
      `mutation ($first: String!) {
        a: changePassword(currentPassword: $first, newPassword: "the second password") { tokenType }
        b: changePassword(currentPassword: "the second password", newPassword: "the third password") { tokenType }
      }`,
      { first: person.password },
    )
    expect(answer.errors).toBeUndefined()
    expect((await client.login(person.email, 'the third password')).errors).toBeUndefined()
  })

  it('succeeds once of two at the same time', async () => {
    const { client } = server
    const person = await client.register()
    const passwords = ['the first to arrive', 'the second to arrive']
    const held = holdNext('replace')
    const slow = change(person.accessToken, {
      currentPassword: person.password,
      newPassword: passwords[0],
    })
    await held.reached
    const quick = await change(person.accessToken, {
      currentPassword: person.password,
      newPassword: passwords[1],
    })
    held.release()
    expect(quick.errors).toBeUndefined()
    // Not SESSION_ENDED: the session is alive, and a client must not forget its tokens.
    expect((await slow).code).toBe('INVALID_CREDENTIALS')
    expect((await client.login(person.email, passwords[1]!)).errors).toBeUndefined()
    expect((await client.login(person.email, passwords[0]!)).code).toBe('INVALID_CREDENTIALS')
  })

  it.each([
    ['its session is ended', 'SESSION_ENDED', 'delete from sessions where user_id = ?'],
    [
      'its session expires',
      'SESSION_ENDED',
      'update sessions set expires_at = 1 where user_id = ?',
    ],
    [
      'the account is disabled',
      'ACCOUNT_DISABLED',
      'update users set disabled_at = 1 where id = ?',
    ],
  ])('changes nothing when %s while it is being checked: %s', async (_what, reason, statement) => {
    const { client, database } = server
    const person = await client.register()
    const hash = async () =>
      (await database.query('select password_hash from users where id = ?', [person.user.id]))[0]
    const before = await hash()
    const held = holdNext('replace')
    const answer = change(person.accessToken, { currentPassword: person.password })
    await held.reached
    await database.query(statement, [person.user.id])
    const sessions = await sessionsOf(person.user.id)
    held.release()
    expect((await answer).reason).toBe(reason)
    expect(await hash()).toEqual(before)
    expect(await sessionsOf(person.user.id)).toEqual(sessions)
  })
})
