import { execFile } from 'node:child_process'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createClient } from '../support/client.ts'
import { needs } from '../support/needs.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'
import { testAppSecret } from '../support/server.ts'

const cheap = { BCRYPT_COST: '4', LOG_LEVEL: 'warn' }

describe('a start in an empty folder', () => {
  it('prints where everything is, and a curl line that works', needs('curl'), async () => {
    const folder = temporaryFolder()
    const server = startProcess(folder, { LOG_LEVEL: 'warn' })
    const url = await server.ready
    const lines = server.stdout().split('\n')
    const after = (label: string) => lines.find((line) => line.trim().startsWith(label))?.trim()
    expect(after('Account')).toBe(`Account    ${url}/`)
    expect(after('Sandbox')).toBe(`Sandbox    ${url}/graphql  (open it in a browser)`)
    expect(after('GraphiQL')).toBe(`GraphiQL   ${url}/graphiql  (the same, offline)`)
    expect(after('JWKS')).toBe(`JWKS       ${url}/.well-known/jwks.json`)
    expect(after('Database')).toBe('Database   data/latchkey.db')
    expect(after('Metrics')).toBeUndefined()
    expect(after('Warning')).toBeUndefined()

    const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })
    expect(await page.text()).toContain('Apollo Sandbox')
    expect(await (await fetch(`${url}/graphiql`)).text()).toContain('GraphiQL')
    const jwks = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: unknown[] }
    expect(jwks.keys.length).toBeGreaterThan(0)

    // As a user would: pasted into a shell.
    const { stdout } = await promisify(execFile)('sh', ['-c', after('curl')!])
    const { register } = JSON.parse(stdout).data
    expect(register.user.email).toBe('hedy@example.com')
    const me = await createClient(url).as(register.accessToken).send('{ me { email } }')
    expect(me.data.me.email).toBe('hedy@example.com')

    // OWASP ASVS 13.2.2: database, write-ahead log and secret are their owner's alone.
    const modes = ['', 'latchkey.db', 'latchkey.db-wal', 'latchkey.db-shm', 'latchkey.secret'].map(
      (name) => [name, (statSync(join(folder, 'data', name)).mode & 0o777).toString(8)],
    )
    expect(modes).toEqual([
      ['', '700'],
      ['latchkey.db', '600'],
      ['latchkey.db-wal', '600'],
      ['latchkey.db-shm', '600'],
      ['latchkey.secret', '600'],
    ])
    const secret = readFileSync(join(folder, 'data', 'latchkey.secret'), 'utf8').trim()
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    expect(server.stdout() + server.stderr()).not.toContain(secret)
  })

  it.each(['1', '2'])('says where the metrics are, with WORKERS=%s', async (workers) => {
    const env = { ...cheap, METRICS_PORT: '0', WORKERS: workers }
    const server = startProcess(temporaryFolder(), env)
    await server.ready
    const address = /^  Metrics    (http:\/\/127\.0\.0\.1:\d+\/metrics)$/m.exec(
      server.stdout(),
    )?.[1]
    const response = await fetch(address!)
    expect(await response.text()).toMatch(new RegExp(`^latchkey_workers ${workers}$`, 'm'))
  })

  it(
    'reads .env, before which the environment has precedence, and warns of what is weak or was not read',
    needs('curl'),
    async () => {
      const folder = temporaryFolder()
      const envFile = join(folder, '.env')
      writeFileSync(
        envFile,
        [
          // As Notepad saves it.
          '\ufeffDATABASE_URL=sqlite:people.sqlite3',
          'ALLOWED_ORIGIN=https://app.example.com',
          `APP_SECRET="${testAppSecret}"`,
          'REGISTRATION=open',
          'THROTTLE=off',
          'LOG_LEVEL=warn',
        ].join('\r\n'),
      )
      chmodSync(envFile, 0o644)
      const server = startProcess(folder, { REGISTRATION: 'closed', BCRYPT_COST: '4' })
      const url = await server.ready
      expect(server.stdout()).toContain('Database   people.sqlite3\n')
      expect(server.stdout()).toContain(
        'Warning: THROTTLE=off: passwords can be guessed without limit',
      )
      expect(server.stdout()).toContain('Warning: BCRYPT_COST=4 makes weak hashes')
      expect(server.stdout()).toContain(
        'Warning: ALLOWED_ORIGIN is not a variable of Latchkey and was not read. Did you mean ALLOWED_ORIGINS?',
      )
      expect(server.stdout()).toContain(
        'Warning: .env can be read or written by all users of this machine. Run: chmod o-rwx .env',
      )
      expect(server.stdout().match(/Warning/g)).toHaveLength(4)
      expect(server.stdout()).not.toContain(testAppSecret)
      expect(statSync(join(folder, 'people.sqlite3')).mode & 0o777).toBe(0o600)
      await expect(createClient(url).register()).rejects.toThrow('Registration is closed')
      // If no one can register, the line to try is another one.
      const line = server
        .stdout()
        .split('\n')
        .find((text) => text.trim().startsWith('curl'))
      const { stdout } = await promisify(execFile)('sh', ['-c', line!])
      expect(JSON.parse(stdout)).toEqual({ data: { providers: [] } })
    },
  )
})

describe('a server that is stopped', () => {
  it.each(['1', '2'])(
    'says when it starts to stop and when it has, with WORKERS=%s',
    async (workers) => {
      const server = startProcess(temporaryFolder(), {
        BCRYPT_COST: '4',
        LOG_LEVEL: 'info',
        WORKERS: workers,
      })
      await server.ready
      server.child.kill('SIGTERM')
      expect(await server.ended).toBe(0)
      expect(server.log().filter(({ msg }) => String(msg).startsWith('Stop'))).toMatchObject([
        { level: 'info', signal: 'SIGTERM', msg: 'Stopping: requests under way are finished' },
        { level: 'info', status: 0, msg: 'Stopped' },
      ])
    },
  )

  it('answers what it has started, and knows everyone when it is back', async () => {
    const folder = temporaryFolder()
    const first = startProcess(folder, { LOG_LEVEL: 'warn' })
    const client = createClient(await first.ready)
    const person = await client.register()
    const login = client.login(person.email, person.password)
    // Sent after the login, on a connection of its own: when this is answered, the login is there.
    await fetch(`${client.url}/health/live`)
    first.child.kill('SIGTERM')
    const answer = await login
    expect(answer.errors).toBeUndefined()
    // Although the connection of the login was to be kept alive.
    expect(await first.ended).toBe(0)
    expect(first.stderr()).toBe('')

    const second = startProcess(folder, cheap)
    const back = createClient(await second.ready)
    for (const { accessToken, refreshToken } of [person, answer.data.login]) {
      const me = await back.as(accessToken).send('{ me { email } }')
      expect(me.data).toEqual({ me: { email: person.email } })
      expect((await back.refresh(refreshToken)).errors).toBeUndefined()
    }
    expect((await back.login(person.email, person.password)).errors).toBeUndefined()
    second.child.kill('SIGINT')
    expect(await second.ended).toBe(0)
  })

  it('and has no time for it has lost nothing that it has said', async () => {
    const folder = temporaryFolder()
    const people: { email: string; password: string; accessToken: string; refreshToken: string }[] =
      []
    for (let round = 0; round < 3; round++) {
      const server = startProcess(folder, cheap)
      const client = createClient(await server.ready)
      for (const { accessToken, email, password } of people) {
        const me = await client.as(accessToken).send('{ me { email } }')
        expect(me.data).toEqual({ me: { email } })
        expect((await client.login(email, password)).errors).toBeUndefined()
      }
      people.push(await client.register())
      // At the moment of the response, before anything else can happen.
      server.child.kill('SIGKILL')
      expect(await server.ended).toBe('SIGKILL')
    }
  })
})
