import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** A user who has just registered. */
async function newcomer() {
  const { accessToken, user } = await server.client.register()
  const client = server.client.as(accessToken)
  return {
    id: user.id,
    read: () => client.send('{ notes { id text } }'),
    count: () => client.send('{ noteCount }'),
    write: (text: string) =>
      client.send('mutation ($text: String!) { writeNote(text: $text) { id text } }', { text }),
    delete: (id: string) => client.send('mutation ($id: ID!) { deleteNote(id: $id) }', { id }),
  }
}

describe('notes', () => {
  it('are read by the user who wrote them, the newest first', async () => {
    const ada = await newcomer()
    expect((await ada.read()).data.notes).toEqual([])
    await ada.write('  Buy milk ')
    server.advance(1)
    await ada.write('Call Grace')
    const { data } = await ada.read()
    expect(data.notes).toEqual([
      { id: expect.any(String), text: 'Call Grace' },
      { id: expect.any(String), text: 'Buy milk' },
    ])
  })

  it('are neither read nor deleted by other users', async () => {
    const ada = await newcomer()
    const grace = await newcomer()
    const { id } = (await ada.write('Mine')).data.writeNote
    expect((await grace.read()).data.notes).toEqual([])
    expect((await grace.delete(id)).data.deleteNote).toBe(false)
    expect((await ada.delete(id)).data.deleteNote).toBe(true)
    expect((await ada.read()).data.notes).toEqual([])
  })

  it('need an access token', async () => {
    for (const operation of [
      '{ notes { id } }',
      '{ noteCount }',
      'mutation { writeNote(text: "Mine") { id } }',
      'mutation { deleteNote(id: "1") }',
    ]) {
      const response = await server.client.send(operation)
      expect(response).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
    }
  })

  it('are counted for administrators only', async () => {
    const ada = await newcomer()
    await ada.write('One')
    expect(await ada.count()).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    await server.database.query('update users set roles = ? where id = ?', ['["ADMIN"]', ada.id])
    expect((await ada.count()).data.noteCount).toBeGreaterThan(0)
  })

  it.each(['', ' ', 'a'.repeat(2001), 'a\0b', '\ud800'])('refuse the text %j', async (text) => {
    const ada = await newcomer()
    expect(await ada.write(text)).toMatchObject({ code: 'BAD_USER_INPUT' })
    expect((await ada.read()).data.notes).toEqual([])
  })

  it.each(['', '1', 'not-a-uuid', '00000000-0000-0000-0000-000000000000'])(
    'are not deleted by the id %j',
    async (id) => {
      const ada = await newcomer()
      expect((await ada.delete(id)).data.deleteNote).toBe(false)
    },
  )

  it('are deleted with the account', async () => {
    const ada = await newcomer()
    const { id } = (await ada.write('Mine')).data.writeNote
    await server.database.query('delete from users where id = ?', [ada.id])
    expect(await server.database.query('select id from notes where id = ?', [id])).toEqual([])
  })
})
