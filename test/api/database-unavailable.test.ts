// Before the first class that type-graphql decorates.
import 'reflect-metadata'
import { once } from 'node:events'
import { connect } from 'node:net'
import Sqlite from 'better-sqlite3'
import { DriverException } from '@mikro-orm/core'
import fastify from 'fastify'
import { sql } from 'kysely'
import { Client } from 'pg'
import { Ctx, Query, Resolver } from 'type-graphql'
import { expect, inject, it } from 'vitest'
import type { Context } from '../../src/context.ts'
import { noteErrors } from '../../src/database/driver-errors.ts'
import { errorSender, httpError } from '../../src/http/refusals.ts'
import { schemaWith } from '../support/schema-with.ts'
import { startServer } from '../support/server.ts'
import { startTcpRelay } from '../support/tcp-relay.ts'

/** What a developer may add: fields that ask another service, or a database of their own. */
@Resolver()
class OwnResolver {
  @Query(() => String)
  async askService(): Promise<string> {
    // No one listens there: a free port of others might be taken meanwhile.
    await once(connect(1, '127.0.0.1'), 'connect')
    return 'answered'
  }

  @Query(() => String)
  askOwnFile(): string {
    return new Sqlite('/').name
  }

  @Query(() => String)
  async askDatabase(@Ctx() context: Context): Promise<string> {
    await sql`select 1`.execute(context.em.getKysely())
    return 'answered'
  }
}

/** Keeps everyone else from writing. @returns what lets them again */
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
  app.setErrorHandler(errorSender((_request, _reply, send) => send()))
  const refused = () => Object.assign(new Error('no answer'), { code: 'ECONNREFUSED' })
  const diskError = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ' })
  app.get('/0', () => noteErrors(() => Promise.reject(diskError)))
  app.get('/1', async () => Promise.reject(new DriverException(refused())))
  app.get('/other', async () => Promise.reject(refused()))
  app.get('/late', async () => Promise.reject(httpError(503, 'The handler took too long')))
  for (const url of ['/0', '/1', '/late']) {
    const answer = await app.inject(url)
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.json().errors[0].message).toBe('Internal server error')
  }
  const other = await app.inject('/other')
  expect([other.statusCode, other.headers['retry-after']]).toEqual([500, undefined])
})

it.each([
  ['another service that refuses connections', '{ askService }', 'ECONNREFUSED'],
  ['another file', '{ askOwnFile }', 'unable to open database file'],
])('a failure of %s is not a failure of the database', async (_, query, cause) => {
  const server = await startServer({}, { schema: schemaWith(OwnResolver) })
  const answer = await server.client.send(query)
  expect(answer.errors).toMatchObject([
    { message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
  ])
  expect(answer.status).toBe(200)
  expect(answer.headers.get('retry-after')).toBeNull()
  expect(server.logText()).toContain(cause)
})

it.runIf(inject('engine') === 'postgresql')(
  'a database that refuses connections is a masked 503, whoever asks it',
  async () => {
    const schema = schemaWith(OwnResolver)
    const { database } = await startServer()
    const direct = new URL(database.url)
    const relay = await startTcpRelay({ host: direct.hostname, port: Number(direct.port) })
    const url = new URL(direct)
    url.host = `127.0.0.1:${relay.port}`
    const server = await startServer({ DATABASE_URL: url.href }, { schema })
    const { email, password, accessToken } = await server.client.register()
    await relay.close()
    const requests = [
      () => server.client.send('{ askDatabase }'),
      () => server.client.login(email, password),
      () => server.client.as(accessToken).send('{ me { email } }'),
    ]
    // Those that lose their connection in use, and those that get no new one.
    for (const request of [...requests, ...requests]) {
      const answer = await request()
      expect([answer.status, answer.code]).toEqual([503, 'INTERNAL_SERVER_ERROR'])
      expect(answer.headers.get('retry-after')).toBe('1')
    }
    expect(server.logText()).toContain('ECONNREFUSED')
  },
)

it('a database that cannot write now is a masked 503, and reads continue', async () => {
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
  // Anyone who runs the server learns why.
  expect(
    logText()
      .split('\n')
      .filter((line) => line.includes(requestId!))
      .join(),
  ).toMatch(/database is locked|lock timeout/)
  expect(me.data).toEqual({ me: { email } })
  expect((await client.login(email, password)).errors).toBeUndefined()
})
