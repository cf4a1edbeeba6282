// What `npm start` runs is not what the tests run: one file with all of its dependencies.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createClient, type Client } from '../support/client.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startProcess, temporaryFolder, type ServerProcess } from '../support/process.ts'
import { testAppSecret } from '../support/server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

// Says at the end what else was loaded than the one file: two copies of a library do not know each
// other's classes.
const countingHook = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const loaded = []
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
  process.on('exit', () => console.log('LOADED ' + JSON.stringify(loaded)))
`)}`

describe('the compiled server', () => {
  let database: TestDatabase
  let server: ServerProcess
  let client: Client
  beforeAll(async () => {
    database = await createTestDatabase()
    server = startProcess(
      temporaryFolder(),
      { DATABASE_URL: database.url, APP_SECRET: testAppSecret, BCRYPT_COST: '4' },
      { main: join(root, 'dist', 'main.js'), imports: [countingHook] },
    )
    client = createClient(await server.ready)
  })
  afterAll(async () => {
    server.child.kill('SIGTERM')
    await server.ended
    await database.remove()
  })

  it('signs users up, in and out, and hashes in its workers', async () => {
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

  it('finds what lies next to it', async () => {
    const page = await fetch(`${client.url}/graphql`, { headers: { accept: 'text/html' } })
    // An example operation of schema/operations/.
    expect(await page.text()).toContain('mutation Register')
  })

  it('has the schema of the sources', async () => {
    const names = (await client.send('{ __schema { types { name } } }')).data.__schema.types
      .map(({ name }: { name: string }) => name)
      .filter((name: string) => !name.startsWith('__'))
    const written = readFileSync(join(root, 'schema', 'schema.graphql'), 'utf8')
    const declared = Array.from(
      written.matchAll(/^(?:type|enum|scalar|input|interface|union) (\w+)/gm),
      ([, name]) => name!,
    )
    const builtIn = ['Boolean', 'ID', 'Int', 'String']
    expect(new Set(names)).toEqual(new Set([...declared, ...builtIn]))
  })

  it('answers errors as the sources do', async () => {
    expect((await client.send('{ me { id } }')).reason).toBe('TOKEN_MISSING')
    expect((await client.send('{ nope }')).code).toBe('GRAPHQL_VALIDATION_FAILED')
    await expect(client.register({ email: 'no address' })).rejects.toThrow('BAD_USER_INPUT')
  })

  it('says nothing on standard error, and has loaded no library twice', async () => {
    expect(server.stderr()).toBe('')
    server.child.kill('SIGTERM')
    await server.ended
    const loaded = JSON.parse(/^LOADED (.*)$/m.exec(server.stdout())![1]!) as string[]
    const packages = new Set(
      loaded.flatMap((url) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []),
    )
    // Of the two drivers, the one that is needed; the other is in the bundle.
    expect(packages.has('better-sqlite3')).toBe(inject('engine') === 'sqlite')
    // Native, or with files of its own; what the ORM looks for files with; and Apollo's hash, with what it needs.
    const isOutside = (name: string) =>
      /^(better-sqlite3|piscina|@napi-rs\/.*|picomatch|@apollo\/utils\.(createhash|isnodelike))$/.test(
        name,
      )
    expect([...packages].filter((name) => !isOutside(name))).toEqual([])
  })
})
