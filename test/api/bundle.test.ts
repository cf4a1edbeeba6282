// What `npm start` runs is not what the tests run: one file with all of its dependencies.
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, type Client } from '../support/client.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startProcess, temporaryFolder, type ServerProcess } from '../support/process.ts'
import { testAppSecret } from '../support/server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the compiled server', () => {
  let database: TestDatabase
  let server: ServerProcess
  let client: Client
  beforeAll(async () => {
    database = await createTestDatabase()
    server = startProcess(
      temporaryFolder(),
      { DATABASE_URL: database.url, APP_SECRET: testAppSecret, BCRYPT_COST: '4' },
      { main: join(root, 'dist', 'main.js') },
    )
    client = createClient(await server.ready)
  })
  afterAll(async () => {
    server.child.kill('SIGTERM')
    await server.ended
    await database.remove()
  })

  it('signs people up, in and out, and hashes in its workers', async () => {
    const { accessToken, email, password, refreshToken } = await client.register()
    const me = client.as(accessToken)
    expect((await me.send('{ me { email roles sessions { current } } }')).data.me).toEqual({
      email,
      roles: ['USER'],
      sessions: [{ current: true }],
    })
    expect((await client.login(email, password)).errors).toBeUndefined()
    expect((await client.login(email, 'not the password')).code).toBe('INVALID_CREDENTIALS')
    expect((await client.refresh(refreshToken)).errors).toBeUndefined()
    expect((await me.send('mutation { logout }')).data.logout).toBe(true)
    expect((await me.send('{ protected }')).reason).toBe('SESSION_ENDED')
  })

  it('finds what lies beside it', async () => {
    const page = await fetch(`${client.url}/graphql`, { headers: { accept: 'text/html' } })
    // An example operation of schema/operations/.
    expect(await page.text()).toContain('mutation Register')
  })

  it('answers errors as the sources do', async () => {
    expect((await client.send('{ me { id } }')).reason).toBe('TOKEN_MISSING')
    expect((await client.send('{ nope }')).code).toBe('GRAPHQL_VALIDATION_FAILED')
    await expect(client.register({ email: 'no address' })).rejects.toThrow('BAD_USER_INPUT')
  })

  it('says nothing on standard error', () => {
    expect(server.stderr()).toBe('')
  })
})
