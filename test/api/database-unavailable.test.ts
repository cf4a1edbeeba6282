import Sqlite from 'better-sqlite3'
import { DriverException } from '@mikro-orm/core'
import fastify from 'fastify'
import { Client } from 'pg'
import { expect, inject, it } from 'vitest'
import { httpError, sendError } from '../../src/http/refusals.ts'
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

// Other services verify tokens by them, and have nothing to do with our database.
it('the published keys stay there when the database does not', async () => {
  const server = await startServer()
  const keys = async () => {
    const response = await fetch(`${server.url}/.well-known/jwks.json`)
    return [response.status, await response.json()]
  }
  const before = await keys()
  await server.database.query('alter table signing_keys rename to lost')
  server.advance(60)
  expect(await keys()).toEqual(before)
})

// What posts here is a provider, by way of a browser.
it('a database that cannot be asked is a masked 503 outside GraphQL too', async () => {
  const app = fastify()
  app.setErrorHandler(sendError)
  const failures = [
    Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ', name: 'SqliteError' }),
    new DriverException(Object.assign(new Error('no answer'), { code: 'ECONNREFUSED' })),
  ]
  for (const [index, failure] of failures.entries()) {
    app.get(`/${index}`, async () => Promise.reject(failure))
  }
  app.get('/late', async () => Promise.reject(httpError(503, 'The handler took too long')))
  for (const url of ['/0', '/1', '/late']) {
    const answer = await app.inject(url)
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.json().errors[0].message).toBe('Internal server error')
  }
})

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
