import { createPublicKey, verify } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { describe, expect, inject, it } from 'vitest'
import { appSecretFile } from '../../src/process/app-secret.ts'
import { operatorOf } from '../support/command.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { decodeCompact } from '../support/signing.ts'

type PublicJwk = { kid: string; alg: string; use: string; kty: string; crv?: string }

async function jwks({ url }: { url: string }) {
  const response = await fetch(`${url}/.well-known/jwks.json`)
  expect(response.headers.get('content-type')).toContain('application/jwk-set+json')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  return ((await response.json()) as { keys: PublicJwk[] }).keys
}
const kidOf = (token: string) => decodeCompact(token).header['kid'] as string
const signIn = async (server: TestServer) => (await server.client.register()).accessToken
const reasonFor = async (server: TestServer, token: string) =>
  (await server.client.as(token).send('{ protected }')).reason

describe('rotation', () => {
  const hour = 3600

  it('by schedule needs no restart, publishes a key before it signs, and ends no token', async () => {
    const server = await startServer({ KEY_ROTATION_INTERVAL: '1h', ACCESS_TOKEN_LIFETIME: '2h' })
    const old = await signIn(server)
    const published = (await jwks(server)).map(({ kid }) => kid)
    expect(published).toHaveLength(2)
    await server.maintain()
    expect(kidOf(await signIn(server))).toBe(kidOf(old))

    server.advance(hour + 1)
    await server.maintain()
    const young = await signIn(server)
    expect(kidOf(young)).not.toBe(kidOf(old))
    // Verifiers that fetched the keys an hour ago know it already.
    expect(published).toContain(kidOf(young))
    const kids = (await jwks(server)).map(({ kid }) => kid)
    expect(kids).toHaveLength(3)
    expect(new Set(kids).size).toBe(3)
    expect(kids).toEqual(expect.arrayContaining([kidOf(old), kidOf(young)]))
    for (const token of [old, young]) expect(await reasonFor(server, token)).toBeUndefined()

    // No token can live for longer than a day; the old key goes.
    server.advance(24 * hour + 61)
    await server.maintain()
    expect((await jwks(server)).map(({ kid }) => kid)).not.toContain(kidOf(old))
    expect(await reasonFor(server, old)).toBe('TOKEN_INVALID')
  })

  it('is known to every copy of the JWKS that may still be kept, at the shortest interval', async () => {
    const server = await startServer({ KEY_ROTATION_INTERVAL: '1h' })
    const get = () => fetch(`${server.url}/.well-known/jwks.json`)
    await signIn(server)
    for (let round = 0; round < 3; round += 1) {
      server.advance(hour - 60)
      const copy = await get()
      const seconds = Number(/max-age=(\d+)/.exec(copy.headers.get('cache-control')!)![1])
      expect(seconds).toBeLessThanOrEqual(hour / 10)
      const kids = ((await copy.json()) as { keys: PublicJwk[] }).keys.map(({ kid }) => kid)
      server.advance(61)
      await server.maintain()
      server.advance(seconds - 61)
      expect(kids).toContain(kidOf(await signIn(server)))
      expect((await get()).headers.get('etag')).not.toBe(copy.headers.get('etag'))
    }
  })

  it('by two servers whose time has come happens once', async () => {
    const server = await startServer({ KEY_ROTATION_INTERVAL: '1h' })
    const sibling = await server.sibling()
    server.advance(hour + 1)
    await Promise.all([server.maintain(), sibling.maintain()])
    const states = await server.database.query('select state from signing_keys order by state')
    expect(states.map(({ state }) => state)).toEqual(['current', 'next', 'retired'])
    expect(kidOf(await signIn(server))).toBe(kidOf(await signIn(sibling)))
  })

  it('by command reaches every running server, and ends no token', async () => {
    // Of this the operator's shell knows nothing.
    const server = await startServer({ ACCESS_TOKEN_LIFETIME: '24h' })
    const sibling = await server.sibling()
    const operator = operatorOf(server)
    const old = await signIn(server)
    for (let round = 0; round < 2; round += 1) {
      const rotated = await operator.keys(['rotate'])
      expect(rotated.status).toBe(0)
      // A service may have fetched the key set just before this key was in it.
      expect(rotated.stderr).toMatch(/^Note: the key that signs now was published [^\n]* 5 minutes/)
      expect(rotated.stdout).toContain(`${kidOf(old)}  EdDSA  retired  made `)
    }
    // Within seconds the server signs with a key that its sibling has never seen.
    server.advance(11)
    const young = await signIn(server)
    expect(kidOf(young)).not.toBe(kidOf(old))
    expect(await reasonFor(sibling, young)).toBeUndefined()
    for (const each of [server, sibling]) expect(await reasonFor(each, old)).toBeUndefined()
    server.advance(23 * hour)
    await server.maintain()
    for (const each of [server, sibling]) expect(await reasonFor(each, old)).toBeUndefined()

    const listed = await operator.keys(['list'])
    expect(listed).toMatchObject({ status: 0, stderr: '' })
    const lines = listed.stdout.trim().split('\n')
    const states = lines.map((line) => line.split(/ +/)[2] ?? '')
    expect(states.toSorted()).toEqual(['current', 'next', 'retired', 'retired'])
    expect(lines.find((line) => line.includes('current'))).toContain(kidOf(young))
    const dump = JSON.stringify(await server.database.query('select * from signing_keys'))
    for (const secret of dump.match(/"private_key_encrypted":"[^"]+"/g)!) {
      expect(listed.stdout).not.toContain(secret.slice(25, -1))
    }
  })

  it('learns the new key amid junk', async () => {
    const server = await startServer()
    const sibling = await server.sibling()
    await reasonFor(sibling, await signIn(server))
    for (let round = 0; round < 2; round += 1) await operatorOf(server).keys(['rotate'])
    server.advance(11)
    const young = await signIn(server)
    const [, body, tail] = young.split('.')
    const junk = Array.from({ length: 200 }, (_, index) => {
      const header = { ...decodeCompact(young).header, kid: `junk ${index}` }
      return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${body}.${tail}`
    })
    const reasons = await Promise.all(junk.map((token) => reasonFor(sibling, token)))
    expect(new Set(reasons)).toEqual(new Set(['TOKEN_INVALID']))
    server.advance(4)
    expect(await reasonFor(sibling, young)).toBeUndefined()
  })
})

describe('another algorithm at the next start', () => {
  it('signs from then on, and the tokens of before stay good', async () => {
    const first = await startServer()
    const servers = [first]
    const tokens = [await signIn(first)]
    for (const algorithm of ['ES256', 'RS256', 'EdDSA']) {
      const next = await first.sibling({ TOKEN_ALGORITHM: algorithm })
      const token = await signIn(next)
      expect(decodeCompact(token).header['alg']).toBe(algorithm)
      servers.push(next)
      tokens.push(token)
    }
    expect((await jwks(servers.at(-1)!)).map(({ alg }) => alg).toSorted()).toEqual(
      ['ES256', 'EdDSA', 'EdDSA', 'EdDSA', 'RS256'].toSorted(),
    )
    first.advance(4)
    // The servers of before learn the keys of those after.
    for (const server of servers) {
      for (const token of tokens) expect(await reasonFor(server, token)).toBeUndefined()
    }
  })
})

// RFC 9068 section 4: what a service that has only the key set and the names can verify.
describe('another service', () => {
  it.each(['EdDSA', 'ES256', 'RS256'])(
    'verifies tokens of %s with the key set',
    async (algorithm) => {
      const server = await startServer({ TOKEN_ALGORITHM: algorithm, TOKEN_AUDIENCE: 'api' })
      const { accessToken, user } = await server.client.register()
      const keySet = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.url))
      const { payload, protectedHeader } = await jwtVerify(accessToken, keySet, {
        audience: 'api',
        issuer: 'http://127.0.0.1:0',
        typ: 'at+jwt',
        algorithms: [algorithm],
      })
      expect(payload.sub).toBe(user.id)

      const jwk = (await jwks(server)).find(({ kid }) => kid === protectedHeader.kid)!
      expect(jwk).toMatchObject({ alg: algorithm, use: 'sig' })
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
        expect(jwk).not.toHaveProperty(secret)
      }
      const [head, body, signature] = accessToken.split('.')
      const isGood = verify(
        algorithm === 'EdDSA' ? null : 'sha256',
        Buffer.from(`${head}.${body}`),
        { key: createPublicKey({ format: 'jwk', key: jwk }), dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature!, 'base64url'),
      )
      expect(isGood).toBe(true)
    },
  )
})

describe('where APP_SECRET is lost', () => {
  const anotherSecret = 'another secret, which is long enough for a start'

  it('a start refuses and explains, and a reset makes new keys', async () => {
    const server = await startServer()
    const account = await server.client.register()
    await expect(server.sibling({ APP_SECRET: anotherSecret })).rejects.toThrow(/APP_SECRET/)
    const operator = operatorOf(server, { APP_SECRET: anotherSecret })
    const rotated = await operator.keys(['rotate'])
    expect(rotated).toMatchObject({ status: 1, stdout: '' })
    expect(rotated.stderr).toContain('APP_SECRET')
    expect(rotated.stderr).not.toContain('    at ')
    expect(await reasonFor(server, account.accessToken)).toBeUndefined()

    const reset = await operator.keys(['reset'])
    expect(reset).toMatchObject({ status: 0, stderr: '' })
    const restarted = await server.sibling({ APP_SECRET: anotherSecret })
    expect(await reasonFor(restarted, account.accessToken)).toBe('TOKEN_INVALID')
    expect((await restarted.client.refresh(account.refreshToken)).code).toBe(
      'INVALID_REFRESH_TOKEN',
    )
    const login = await restarted.client.login(account.email, account.password)
    expect(login.data.login.user.id).toBe(account.user.id)
    // The server that still runs with the old one lets no one in.
    server.advance(11)
    expect((await server.client.login(account.email, account.password)).code).toBe(
      'INTERNAL_SERVER_ERROR',
    )
  })

  it.runIf(inject('engine') === 'sqlite')(
    'a start refuses and explains where it was in the file beside the database',
    async () => {
      const server = await startServer({ APP_SECRET: '' })
      const account = await server.client.register()
      const file = appSecretFile(server.database.url.slice('sqlite:'.length))
      rmSync(file)
      await expect(server.sibling()).rejects.toThrow(/is missing, but the database .+ is there/s)
      const operator = operatorOf(server, { APP_SECRET: '' })
      const list = await operator.keys(['list'])
      expect(list).toMatchObject({ status: 1, stdout: '' })
      expect(list.stderr).toContain('npm run keys -- reset')

      expect(await operator.keys(['reset'])).toMatchObject({
        status: 0,
        stdout: expect.stringContaining(file),
      })
      const restarted = await server.sibling()
      expect(await reasonFor(restarted, account.accessToken)).toBe('TOKEN_INVALID')
      const login = await restarted.client.login(account.email, account.password)
      expect(login.data.login.user.id).toBe(account.user.id)
    },
  )
})
