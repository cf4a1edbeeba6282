// TLS without a proxy: what clients see of it, and how a certificate is renewed.
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { connect as connectPlainly } from 'node:net'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { describeStartError } from '../../src/process/start-error.ts'
import { createAuthority, type Authority, type Certificate } from '../support/certificates.ts'
import { eventually } from '../support/patience.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'
import { startServer, testAppSecret } from '../support/server.ts'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority('Authority of the tests')
})

const sign = () => authority.sign(['127.0.0.1', 'localhost'])

/** Files for TLS_CERT and TLS_KEY, and a way to write others into them. */
async function installCertificate() {
  const folder = temporaryFolder()
  const env = { TLS_CERT: join(folder, 'tls.crt'), TLS_KEY: join(folder, 'tls.key') }
  const first = await sign()
  const install = ({ certificate, key }: Pick<Certificate, 'certificate' | 'key'>) => {
    writeFileSync(env.TLS_CERT, `${certificate}\n${authority.certificate}`)
    writeFileSync(env.TLS_KEY, key, { mode: 0o600 })
  }
  install(first)
  return { env, first, install }
}

interface HttpsAnswer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
  readonly serialNumber: string
}

/** Believes no one but the authority of the tests. */
async function send(url: string, operation?: object, agent?: Agent): Promise<HttpsAnswer> {
  const body = operation && JSON.stringify(operation)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        ca: authority.certificate,
        agent: agent ?? false,
        ...(body !== undefined && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
        }),
      },
      (response) => {
        const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate()
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
            serialNumber: serialNumber.toLowerCase(),
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const register = {
  query: `mutation { register(email: "ada@example.com", password: "correct horse battery", transport: COOKIE) { accessToken } }`,
}

describe('a server with TLS_CERT and TLS_KEY', () => {
  it('lets go of a connection that starts no handshake', async () => {
    const { env } = await installCertificate()
    const { url } = await startServer(env, { requestTimeoutMilliseconds: 200 })
    const silent = connectPlainly(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void silent.destroy())
    silent.on('error', () => {})
    await once(silent, 'close')
    expect(silent.bytesRead).toBe(0)
  })

  it('speaks https, and so do its cookies, its headers and its tokens', async () => {
    const { env, first } = await installCertificate()
    const server = await startServer(env)
    expect(server.url).toMatch(/^https:/)
    const answer = await send(`${server.url}/graphql`, register)
    expect(answer.serialNumber).toBe(first.serialNumber)
    expect(answer.status).toBe(200)
    expect(answer.headers['strict-transport-security']).toMatch(/^max-age=\d{8}/)
    expect(answer.headers['set-cookie']![0]).toMatch(
      /^__Host-latchkey-refresh(-[\w-]{8})?=.*; HttpOnly; Secure; SameSite=Strict$/,
    )
    const { accessToken } = JSON.parse(answer.body).data.register
    const claims = JSON.parse(Buffer.from(accessToken.split('.')[1], 'base64url').toString())
    expect(claims.iss).toMatch(/^https:\/\/127\.0\.0\.1/)
  })

  it('answers no one in plain text, nor by a version of TLS that is broken', async () => {
    const { env } = await installCertificate()
    const server = await startServer(env)
    await expect(fetch(server.url.replace('https:', 'http:'))).rejects.toThrow('fetch failed')
    const { port } = new URL(server.url)
    const old = await new Promise<string>((resolve) => {
      const socket = connect({
        port: Number(port),
        host: '127.0.0.1',
        ca: authority.certificate,
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'ALL:@SECLEVEL=0',
      })
      socket.on('secureConnect', () => resolve(socket.getProtocol() ?? ''))
      socket.on('error', (error) => resolve(error.message))
    })
    expect(old).toMatch(/protocol version|unsupported protocol/i)
  })

  it('takes a renewed certificate without a restart, and keeps open connections', async () => {
    const { env, first, install } = await installCertificate()
    const server = await startServer(env)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const open = () => send(`${server.url}/health/live`, undefined, agent)
    const serial = async (host = '127.0.0.1') => {
      const { port } = new URL(server.url)
      return (await send(`https://${host}:${port}/health/live`)).serialNumber
    }
    try {
      expect((await open()).serialNumber).toBe(first.serialNumber)
      const second = await sign()
      install(second)
      expect(await serial()).toBe(first.serialNumber)
      await server.maintain()
      // By address, where a client names no host, and by name.
      expect(await serial()).toBe(second.serialNumber)
      expect(await serial('localhost')).toBe(second.serialNumber)
      expect((await open()).serialNumber).toBe(first.serialNumber)
      expect(server.logText()).toContain('The certificate was renewed')
    } finally {
      agent.destroy()
    }
  })

  it('stays with the old one if the new one cannot be used, and says so', async () => {
    const { env, first, install } = await installCertificate()
    const server = await startServer(env)
    const second = await sign()
    const serial = async () => (await send(`${server.url}/health/live`)).serialNumber
    // As it is between the writing of the one file and the other.
    install({ certificate: second.certificate, key: first.key })
    await server.maintain()
    expect(await serial()).toBe(first.serialNumber)
    expect(server.logText()).toContain('The new certificate cannot be used')
    expect(server.logText()).not.toContain(second.key.split('\n')[1])
    install(second)
    await server.maintain()
    expect(await serial()).toBe(second.serialNumber)
  })
})

describe('a process with TLS_CERT and TLS_KEY', () => {
  it.each([1, 2])('of %d takes a renewed certificate on SIGHUP', async (workers) => {
    const { env, first, install } = await installCertificate()
    const server = startProcess(temporaryFolder(), {
      ...env,
      WORKERS: String(workers),
      LOG_LEVEL: 'warn',
      BCRYPT_COST: '10',
    })
    const url = await server.ready
    expect(url).toMatch(/^https:/)
    const serials = () =>
      Promise.all(
        Array.from(
          { length: 2 * workers },
          async () => (await send(`${url}/health/live`)).serialNumber,
        ),
      )
    expect(new Set(await serials())).toEqual(new Set([first.serialNumber]))
    const second = await sign()
    install(second)
    server.child.kill('SIGHUP')
    await eventually(async () =>
      expect(new Set(await serials())).toEqual(new Set([second.serialNumber])),
    )
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect(server.stderr()).toBe('')
  })
})

describe('a start', () => {
  type Files = Awaited<ReturnType<typeof installCertificate>>

  it.each<[string, (files: Files) => unknown, RegExp]>([
    [
      'without the file of TLS_CERT',
      ({ env }) => (env.TLS_CERT += '.gone'),
      /tls\.crt\.gone, of TLS_CERT, cannot be read: it is not there/,
    ],
    [
      'with a folder for TLS_KEY',
      ({ env }) => mkdirSync((env.TLS_KEY += '.d')),
      /tls\.key\.d, of TLS_KEY, cannot be read: it is a folder/,
    ],
    [
      'with something else for TLS_CERT',
      ({ env }) => writeFileSync(env.TLS_CERT, 'a letter'),
      /tls\.crt, of TLS_CERT, is no certificate in PEM format/,
    ],
    [
      'with a certificate for TLS_KEY',
      ({ env, first }) => writeFileSync(env.TLS_KEY, first.certificate),
      /tls\.key, of TLS_KEY, is no private key in PEM format/,
    ],
    [
      'with a key that has a passphrase',
      ({ env }) =>
        writeFileSync(
          env.TLS_KEY,
          generateKeyPairSync('ec', {
            namedCurve: 'P-256',
            publicKeyEncoding: { type: 'spki', format: 'pem' },
            privateKeyEncoding: {
              type: 'pkcs8',
              format: 'pem',
              cipher: 'aes-256-cbc',
              passphrase: 'canary',
            },
          }).privateKey,
        ),
      /tls\.key, of TLS_KEY, is no private key in PEM format without a passphrase/,
    ],
    [
      'with the key of another certificate',
      async ({ env }) => writeFileSync(env.TLS_KEY, (await sign()).key),
      /The key in .*tls\.key does not fit the certificate in .*tls\.crt/,
    ],
    [
      'with the chain before the certificate',
      ({ env, first }) =>
        writeFileSync(env.TLS_CERT, `${authority.certificate}\n${first.certificate}`),
      /does not fit .* the server's own certificate first in its file/,
    ],
  ])('%s says what to do', async (_name, spoil, message) => {
    const files = await installCertificate()
    await spoil(files)
    const file = join(temporaryFolder(), 'latchkey.db')
    const text = await createApp(
      loadSettings({
        APP_SECRET: testAppSecret,
        PORT: '0',
        DATABASE_URL: `sqlite:${file}`,
        ...files.env,
      }),
    ).then(
      async (app) => {
        await app.close()
        return ''
      },
      (error: unknown) => describeStartError(error),
    )
    expect(text).toMatch(/^Latchkey could not start\.\n/)
    expect(text).toMatch(message)
    expect(text).not.toMatch(/\n\s+at |canary/)
  })
})
