/** Signs, with the keys of a running server, what the server itself never would. */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto'
import { DerivedKeys } from '../../src/core/tokens/derived-keys.ts'
import type { TestDatabase } from './database.ts'
import { testAppSecret } from './server.ts'

export interface ServerKey {
  readonly kid: string
  readonly algorithm: string
  /** A JWK without `kid`, `alg` and `use`. */
  readonly publicJwk: Record<string, string>
  readonly privateKey: KeyObject
}

type Json = Readonly<Record<string, unknown>>

/** The key that the server signs with now. */
export async function currentKey(server: { database: TestDatabase }): Promise<ServerKey> {
  const [row] = await server.database.query("select * from signing_keys where state = 'current'")
  const { kid, algorithm, public_key, private_key_encrypted } = row as Record<string, string>
  const jwk = new DerivedKeys(testAppSecret).decrypt(private_key_encrypted!, kid!)
  return {
    kid: kid!,
    algorithm: algorithm!,
    publicJwk: JSON.parse(public_key!),
    privateKey: createPrivateKey({ format: 'jwk', key: JSON.parse(jwk) }),
  }
}

/** A compact JWS (RFC 7515), of text as it is or of an object as JSON. */
export function signCompact(header: Json | string, payload: Json | string, key: ServerKey): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${signature(key, input)}`
}

function signature({ algorithm, privateKey }: ServerKey, input: string): string {
  const data = Buffer.from(input)
  const bytes =
    algorithm === 'EdDSA'
      ? sign(null, data, privateKey)
      : sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return bytes.toString('base64url')
}

export function encode(value: Json | string): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  )
}

/** Header and claims of a compact JWS, unverified. */
export function decodeCompact(token: string): { header: Json; claims: Json } {
  const [header = '', claims = ''] = token.split('.')
  return { header: decode(header), claims: decode(claims) }
}

function decode(part: string): Json {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Json
}
