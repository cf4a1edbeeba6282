import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

describe('updateProfile', () => {
  let server: TestServer
  beforeAll(async () => void (server = await startServer()))
  afterAll(() => server.close())

  const update = (accessToken: string, name: unknown) =>
    server.client
      .as(accessToken)
      .send('mutation ($name: String) { updateProfile(name: $name) { id name } }', { name })
  const nameOf = async (accessToken: string) =>
    (await server.client.as(accessToken).send('{ me { name } }')).data.me.name

  it.each([
    ['Ada Lovelace', 'Ada Lovelace'],
    ['  Ada\u0301  ', 'Ad\u00e1'],
    ['\u{1f600}'.repeat(200), '\u{1f600}'.repeat(200)],
    ['', null],
    ['   ', null],
    [null, null],
  ])('sets or removes the name: %j', async (given, name) => {
    const { accessToken, user } = await server.client.register({ name: 'Before' })
    const answer = await update(accessToken, given)
    expect(answer.data.updateProfile).toEqual({ id: user.id, name })
    expect(await nameOf(accessToken)).toBe(name)
  })

  it('changes nothing without an argument', async () => {
    const { accessToken } = await server.client.register({ name: 'Before' })
    const answer = await server.client.as(accessToken).send('mutation { updateProfile { name } }')
    expect(answer.data.updateProfile.name).toBe('Before')
    expect(await nameOf(accessToken)).toBe('Before')
  })

  it.each([
    ['too long', 'x'.repeat(201)],
    ['with a control character', 'Ada\u0000'],
    ['with a line', 'Ada\nLovelace'],
    ['with half a character', 'Ada\ud800'],
  ])('refuses a name %s, and keeps the one before', async (_what, name) => {
    const { accessToken } = await server.client.register({ name: 'Before' })
    const answer = await update(accessToken, name)
    expect([answer.code, answer.errors?.[0]?.extensions.field]).toEqual(['BAD_USER_INPUT', 'name'])
    expect(await nameOf(accessToken)).toBe('Before')
  })

  it('is for the user who is signed in', async () => {
    const answer = await server.client.send('mutation { updateProfile(name: "x") { id } }')
    expect([answer.code, answer.reason]).toEqual(['UNAUTHENTICATED', 'TOKEN_MISSING'])
  })
})
