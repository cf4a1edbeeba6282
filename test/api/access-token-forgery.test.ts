import { constants, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tokens } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import {
  currentKey,
  decodeCompact,
  encode,
  signCompact,
  type ServerKey,
} from '../support/signing.ts'

describe.each(['EdDSA', 'ES256', 'RS256'])('a forged access token, beside %s', (algorithm) => {
  let server: TestServer
  let key: ServerKey
  let account: Tokens
  /** What a genuine token says. */
  let header: Readonly<Record<string, unknown>>
  let claims: Readonly<Record<string, unknown>>
  beforeAll(async () => {
    server = await startServer({ TOKEN_ALGORITHM: algorithm })
    key = await currentKey(server)
    account = await server.client.register()
    ;({ header, claims } = decodeCompact(account.accessToken))
  })
  afterAll(() => server.close())

  const reasonFor = async (token: string) => {
    const answer = await server.client.as(token).send('{ protected }')
    if (answer.errors === undefined) return 'open'
    expect(answer).toMatchObject({ status: 401, data: null, code: 'UNAUTHENTICATED' })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    return answer.reason
  }
  /** Those of the tokens, by name, that are not refused as they should be. */
  const notRefused = async (hostile: Record<string, string>) => {
    const answers: Record<string, string | undefined> = {}
    for (const [name, token] of Object.entries(hostile)) {
      const reason = await reasonFor(token)
      if (reason !== 'TOKEN_INVALID') answers[name] = reason
    }
    return answers
  }

  it('would be taken if it were signed as ours are', async () => {
    expect(header).toEqual({ alg: algorithm, typ: 'at+jwt', kid: key.kid })
    expect(await reasonFor(signCompact(header, claims, key))).toBe('open')
  })

  // RFC 8725 section 3.1; CVE-2022-23540.
  it('is refused without a signature, whatever it calls its algorithm', async () => {
    const hostile: Record<string, string> = {}
    const genuine = account.accessToken.split('.')
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, undefined, [], ['none'], 0, {}]) {
      const start = `${encode({ ...header, alg })}.${genuine[1]}`
      const name = JSON.stringify(alg)
      hostile[`${name} and nothing`] = `${start}.`
      hostile[`${name} and no third part`] = start
      hostile[`${name} and a signature`] = `${start}.${genuine[2]}`
      hostile[`${name} and a byte`] = `${start}.AA`
    }
    hostile['the genuine algorithm'] = `${genuine[0]}.${genuine[1]}.`
    expect(await notRefused(hostile)).toEqual({})
  })

  // One token is one text: anyone who keeps a list of tokens relies on it. jose accepts these.
  it('is refused when its signature is spelled in another way', async () => {
    const token = account.accessToken
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const signature = Buffer.from(token.split('.')[2]!, 'base64url')
    const hostile: Record<string, string> = { padded: `${token}==` }
    for (const last of alphabet) {
      const respelled = token.slice(0, -1) + last
      const bytes = Buffer.from(respelled.split('.')[2]!, 'base64url')
      if (respelled !== token && bytes.equals(signature)) hostile[`${last} at its end`] = respelled
    }
    // The 384 bytes of RS256 fill their characters; of the others four bits are left over.
    expect(Object.keys(hostile)).toHaveLength(algorithm === 'RS256' ? 1 : 16)
    expect(await notRefused(hostile)).toEqual({})
  })

  // RFC 8725 section 2.1; CVE-2015-9235, CVE-2022-23541, CVE-2026-22817.
  it('is refused if the public key served as a secret', async () => {
    const publicKey = createPublicKey({ format: 'jwk', key: key.publicJwk })
    const jwks = await (await fetch(`${server.url}/.well-known/jwks.json`)).text()
    const secrets = {
      PEM: publicKey.export({ format: 'pem', type: 'spki' }),
      'PEM without its last line break': String(
        publicKey.export({ format: 'pem', type: 'spki' }),
      ).trim(),
      DER: publicKey.export({ format: 'der', type: 'spki' }),
      JWK: JSON.stringify(key.publicJwk),
      JWKS: jwks,
      'its main member': key.publicJwk.n ?? key.publicJwk.x!,
      'its main member, decoded': Buffer.from(key.publicJwk.n ?? key.publicJwk.x!, 'base64url'),
      'its name': key.kid,
      nothing: '',
    }
    const hostile: Record<string, string> = {}
    for (const [name, secret] of Object.entries(secrets)) {
      for (const bits of [256, 384, 512]) {
        for (const alg of [`HS${bits}`, algorithm]) {
          const input = `${encode({ ...header, alg })}.${encode(claims)}`
          const mac = createHmac(`sha${bits}`, secret).update(input).digest('base64url')
          hostile[`${alg} by HMAC-SHA${bits} with ${name}`] = `${input}.${mac}`
        }
      }
    }
    expect(await notRefused(hostile)).toEqual({})
  })

  it('is refused if it names another algorithm than its key is for', async () => {
    const names = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES256K', 'RS256', 'RS512', 'PS256']
    const hostile: Record<string, string> = {}
    for (const alg of names.filter((name) => name !== algorithm)) {
      hostile[`${alg}, signed as ${algorithm}`] = signCompact({ ...header, alg }, claims, key)
      hostile[`${alg}, signed so`] = signAs(alg, { ...header, alg }, claims, key)
    }
    for (const alg of [algorithm.toLowerCase(), `${algorithm} `, [algorithm]]) {
      hostile[JSON.stringify(alg)] = signCompact({ ...header, alg }, claims, key)
    }
    expect(await notRefused(hostile)).toEqual({})
  })

  // CVE-2026-27962, ASVS 9.1.3: keys come from our ring and from nowhere else.
  it('is refused if it brings its own key, and nothing is fetched', async () => {
    let fetched = 0
    const catcher = createServer((_request, response) => {
      fetched += 1
      response.end(JSON.stringify({ keys: [{ ...own.publicJwk, kid: 'own', alg: algorithm }] }))
    })
    await new Promise<void>((resolve) => {
      catcher.listen(0, '127.0.0.1', resolve)
    })
    const url = `http://127.0.0.1:${(catcher.address() as AddressInfo).port}/jwks.json`
    const own = ownKey(algorithm)
    const hostile: Record<string, string> = {}
    for (const kid of [undefined, 'own', key.kid, '', '../../etc/passwd', "' OR 1=1 --"]) {
      const headers = {
        nothing: {},
        jwk: { jwk: own.publicJwk },
        jku: { jku: url },
        x5u: { x5u: url },
        x5c: { x5c: [Buffer.from('certificate').toString('base64')] },
        all: { jwk: own.publicJwk, jku: url, x5u: url },
      }
      for (const [name, extra] of Object.entries(headers)) {
        const forged = { alg: algorithm, typ: 'at+jwt', kid, ...extra }
        hostile[`${name}, kid ${kid}`] = signCompact(forged, claims, own)
      }
    }
    expect(await notRefused(hostile)).toEqual({})
    expect(fetched).toBe(0)
    await new Promise((resolve) => {
      catcher.close(resolve)
    })
  })

  it('is refused, and does no harm, whatever names its key', async () => {
    const kids: unknown[] = ['__proto__', 'constructor', 'toString', `${key.kid}\0`, ` ${key.kid}`]
    kids.push(key.kid.toUpperCase(), [key.kid], { kid: key.kid }, 0, true, null, 'x'.repeat(8000))
    const hostile: Record<string, string> = {
      nothing: signCompact({ alg: algorithm, typ: 'at+jwt' }, claims, key),
    }
    for (const kid of kids) {
      hostile[`: ${JSON.stringify(kid).slice(0, 40)}`] = signCompact(
        { ...header, kid },
        claims,
        key,
      )
    }
    expect(await notRefused(hostile)).toEqual({})
    expect(server.logText()).not.toContain('"level":"error"')
    expect(await reasonFor(account.accessToken)).toBe('open')
  })

  it('is refused if its header asks for what we do not do', async () => {
    const [head, body, tail] = account.accessToken.split('.')
    const hostile = {
      'an unknown critical extension': signCompact(
        { ...header, crit: ['exp2'], exp2: 1 },
        claims,
        key,
      ),
      'an empty list of them': signCompact({ ...header, crit: [] }, claims, key),
      'an unencoded payload': signCompact({ ...header, b64: false, crit: ['b64'] }, claims, key),
      'no object for a header': signCompact('"at+jwt"', claims, key),
      'an array for a header': signCompact('[]', claims, key),
      'no JSON for a header': signCompact('{', claims, key),
      'no object for claims': signCompact(header, '"sub"', key),
      'an array for claims': signCompact(header, '[]', key),
      'no JSON for claims': signCompact(header, '{', key),
      'a JWS in JSON': JSON.stringify({ protected: head, payload: body, signature: tail }),
      'five parts': `${account.accessToken}.AA.AA`,
      'four parts': `${account.accessToken}.`,
      'one part': head!,
    }
    expect(await notRefused(hostile)).toEqual({})
  })
})

/** A key of our own making, for the same algorithm. */
function ownKey(algorithm: string): ServerKey {
  const pair =
    algorithm === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    kid: 'own',
    algorithm,
    publicJwk: pair.publicKey.export({ format: 'jwk' }) as Record<string, string>,
    privateKey: pair.privateKey,
  }
}

type Json = Readonly<Record<string, unknown>>

/** Signs with another hash or padding, if the key can do that. */
function signAs(alg: string, header: Json, claims: Json, key: ServerKey): string {
  const input = `${encode(header)}.${encode(claims)}`
  const hash = key.algorithm === 'EdDSA' ? null : `sha${/\d+/.exec(alg)?.[0] ?? '256'}`
  const isPss = alg.startsWith('PS') && key.algorithm === 'RS256'
  const signature = sign(hash === 'sha25519' ? 'sha256' : hash, Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
    ...(isPss && {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }),
  })
  return `${input}.${signature.toString('base64url')}`
}
