import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tokens } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

const newPassword = 'a different horse battery'
const changePassword = `mutation ($current: String, $new: String!) {
  changePassword(currentPassword: $current, newPassword: $new) {
    accessToken refreshToken refreshExpiresIn user { id sessions { current } }
  }
}`

// ASVS 7.4.3; CVE-2026-28396, CVE-2026-34828.
describe('a change of the password', () => {
  let servers: [TestServer, TestServer]
  beforeAll(async () => {
    const server = await startServer()
    servers = [server, await server.sibling()]
  })
  afterAll(() => servers[0].close())

  const change = (tokens: Tokens, current: string, next = newPassword) =>
    servers[0].client.as(tokens.accessToken).send(changePassword, { current, new: next })
  const reasonsFor = async ({ accessToken, refreshToken }: Tokens) => [
    (await servers[1].client.as(accessToken).send('{ protected }')).reason,
    (await servers[1].client.refresh(refreshToken)).reason,
  ]

  it('ends every other session at once, on every server, and keeps this one', async () => {
    const account = await servers[0].client.register()
    const other = (await servers[1].client.login(account.email, account.password)).data.login
    const bystander = await servers[0].client.register()
    const answer = await change(account, account.password)
    expect(answer.errors).toBeUndefined()
    const renewed = answer.data.changePassword
    expect(renewed.user).toEqual({ id: account.user.id, sessions: [{ current: true }] })
    expect(await reasonsFor(other)).toEqual(['SESSION_ENDED', 'SESSION_ENDED'])
    expect(await reasonsFor(renewed)).toEqual([undefined, undefined])
    expect(await reasonsFor(bystander)).toEqual([undefined, undefined])
  })

  it('changes what signs in', async () => {
    const account = await servers[0].client.register()
    await change(account, account.password)
    const { client } = servers[1]
    expect((await client.login(account.email, account.password)).code).toBe('INVALID_CREDENTIALS')
    expect((await client.login(account.email, newPassword)).errors).toBeUndefined()
  })

  it('leaves the refresh token of before no grace: its return ends the session', async () => {
    const account = await servers[0].client.register()
    const renewed = (await change(account, account.password)).data.changePassword
    // The access token of before is the same user in the same session.
    const before = await servers[0].client.as(account.accessToken).send('{ protected }')
    expect(before.errors).toBeUndefined()
    const stolen = await servers[1].client.refresh(account.refreshToken)
    expect(stolen).toMatchObject({ data: null, code: 'REFRESH_TOKEN_REUSED' })
    expect(await reasonsFor(renewed)).toEqual(['SESSION_ENDED', 'SESSION_ENDED'])
  })

  it('that is refused ends nothing', async () => {
    const account = await servers[0].client.register()
    const other = (await servers[1].client.login(account.email, account.password)).data.login
    const wrong = await change(account, 'not the password')
    expect(wrong).toMatchObject({ data: null, code: 'INVALID_CREDENTIALS' })
    const short = await change(account, account.password, 'short')
    expect(short).toMatchObject({ data: null, code: 'BAD_USER_INPUT' })
    const without = await servers[0].client
      .as(account.accessToken)
      .send(changePassword, { new: newPassword })
    expect(without).toMatchObject({ data: null, code: 'BAD_USER_INPUT' })
    expect(await reasonsFor(account)).toEqual([undefined, undefined])
    expect(await reasonsFor(other)).toEqual([undefined, undefined])
  })

  it('needs a session that lives: none that was revoked, expired, or is another user’s', async () => {
    const account = await servers[0].client.register()
    const other = (await servers[1].client.login(account.email, account.password)).data.login
    await servers[1].client.as(other.accessToken).send('mutation { logout }')
    expect(await change(other, account.password)).toMatchObject({
      status: 401,
      reason: 'SESSION_ENDED',
    })
    const anonymous = await servers[0].client.send(changePassword, {
      current: account.password,
      new: newPassword,
    })
    expect(anonymous).toMatchObject({ status: 401, reason: 'TOKEN_MISSING' })
    const { client } = servers[1]
    expect((await client.login(account.email, account.password)).errors).toBeUndefined()
    expect((await client.login(account.email, newPassword)).code).toBe('INVALID_CREDENTIALS')
  })

  it('happens once if two servers are asked at once, and one session is left', async () => {
    const account = await servers[0].client.register()
    const other = (await servers[1].client.login(account.email, account.password)).data.login
    const answers = await Promise.all(
      [account, other, account, other].map(({ accessToken }, index) =>
        servers[index % 2]!.client.as(accessToken).send(changePassword, {
          current: account.password,
          new: `${newPassword} ${index}`,
        }),
      ),
    )
    const winners = answers.flatMap((answer, index) => (answer.errors ? [] : [index]))
    expect(winners).toHaveLength(1)
    for (const answer of answers.filter(({ errors }) => errors)) {
      // Too late by the password, or by the session.
      expect(['INVALID_CREDENTIALS', 'UNAUTHENTICATED']).toContain(answer.code)
    }
    const sessions = await servers[0].database.query('select id from sessions where user_id = ?', [
      account.user.id,
    ])
    expect(sessions).toHaveLength(1)
    const winner = `${newPassword} ${winners[0]}`
    expect((await servers[0].client.login(account.email, winner)).errors).toBeUndefined()
  })
})
