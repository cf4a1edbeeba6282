import Sqlite from 'better-sqlite3'
import { Client } from 'pg'
import { expect, inject, it } from 'vitest'
import { startServer } from '../support/server.ts'

/** Keeps everybody else from writing. @returns what lets them again */
async function occupy(url: string): Promise<() => Promise<void>> {
  if (inject('engine') === 'sqlite') {
    const database = new Sqlite(url.replace('sqlite:', ''))
    database.exec('begin immediate')
    return async () => void database.close()
  }
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query('begin; lock table users, sessions in exclusive mode')
  return () => client.end()
}

it('a database that cannot write now is a masked 503, and reads go on', async () => {
  const { client, database, logText } = await startServer()
  const { email, password, accessToken } = await client.register()
  const release = await occupy(database.url)
  const answer = await client.login(email, password)
  const me = await client.as(accessToken).send('{ me { email } }')
  await release()

  expect(answer.status).toBe(503)
  expect(answer.headers.get('retry-after')).toBe('1')
  const { requestId } = answer.errors![0]!.extensions
  expect(answer.errors).toEqual([
    {
      message: 'Internal server error',
      path: ['login'],
      locations: expect.anything(),
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) },
    },
  ])
  // Whoever runs the server learns why.
  expect(
    logText()
      .split('\n')
      .filter((line) => line.includes(requestId!))
      .join(),
  ).toMatch(/database is locked|lock timeout/)
  expect(me.data).toEqual({ me: { email } })
  expect((await client.login(email, password)).errors).toBeUndefined()
})
