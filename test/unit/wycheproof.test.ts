// Wycheproof's vectors through our own verification. None of them is an access token, so all are
// refused; what counts is how far each comes: no signature that is wrong may be found good.
import { readFileSync } from 'node:fs'
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi, type MockInstance } from 'vitest'
import { AccessTokens } from '../../src/core/tokens/access-token.ts'
import type { KeyRing } from '../../src/core/tokens/key-ring.ts'

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly jws?: unknown
  readonly jwe?: unknown
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags: string[]
}
type KeyOrSet = JWK & { keys?: JWK[] }
interface Group {
  readonly comment: string
  readonly public?: KeyOrSet
  readonly private: KeyOrSet
  readonly tests: Vector[]
}

const files: Record<string, number> = {
  json_web_signature_test: 401,
  json_web_key_test: 26,
  json_web_crypto_test: 83,
}

const replays = Object.keys(files).flatMap((file) => {
  const text = readFileSync(new URL(`../vectors/${file}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { testGroups: Group[] }).testGroups.flatMap((group) =>
    group.tests.map((vector) => ({ file, group, vector })),
  )
})

describe('Wycheproof', () => {
  let signatures: MockInstance<typeof crypto.subtle.verify>
  beforeAll(() => {
    // Observed, not replaced: jose asks Node's own.
    signatures = vi.spyOn(crypto.subtle, 'verify')
  })
  afterAll(() => {
    signatures.mockRestore()
  })

  const results: { name: string; result: string; isAccepted: boolean; isSigned: boolean }[] = []
  beforeAll(async () => {
    for (const { file, group, vector } of replays) {
      signatures.mockClear()
      const token = vector.jws ?? vector.jwe
      const text = typeof token === 'string' ? token : JSON.stringify(token)
      const { status } = await accessTokensWith(group).verify(text)
      results.push({
        name: `${file} ${group.comment} ${vector.tcId} ${vector.comment} ${algorithmOf(text)}`,
        result: vector.result,
        isAccepted: status !== 'invalid',
        isSigned: signatures.mock.settledResults.some(({ value }) => value === true),
      })
    }
  })

  it('is replayed as a whole', () => {
    for (const [file, count] of Object.entries(files)) {
      expect(replays.filter((replay) => replay.file === file)).toHaveLength(count)
    }
    expect(results).toHaveLength(510)
  })

  it('shows no vector that is taken for an access token', () => {
    expect(results.filter(({ isAccepted }) => isAccepted)).toEqual([])
  })

  it('shows no wrong signature that is found good', () => {
    const found = results.filter(({ result, isSigned }) => result !== 'valid' && isSigned)
    // Here the key is at fault: weak, or meant for something else. We sign with keys of our making only.
    expect(found.map(({ name }) => name)).toEqual([
      'json_web_signature_test rsa_encryption 353 rejectWrongUse RS256',
      'json_web_key_test jws_rsa_roca_key 7 rejectsKeyWithRocaVulnerability RS256',
      'json_web_key_test invalid_use 21 rejectsModifiedKey ES256',
      'json_web_crypto_test jws_rsa_roca_key 46 rejectsKeyWithRocaVulnerability RS256',
    ])
  })

  it('shows the right ones of our algorithms found good', () => {
    const right = results.filter(
      ({ result, name }) => result === 'valid' && /(EdDSA|ES256|RS256)$/.test(name),
    )
    expect(right).toHaveLength(13)
    // A token has claims: without any it is refused before its signature is looked at.
    expect(right.filter(({ isSigned }) => !isSigned).map(({ name }) => name)).toEqual([
      'json_web_signature_test rs256 259 emptyPayload RS256',
    ])
  })
})

/** Finds the group's key under every name, as if it were one of ours. */
function accessTokensWith({ public: publicKey, private: privateKey }: Group): AccessTokens {
  const find: KeyRing['find'] = async (kid) => {
    const keyOrSet = publicKey ?? privateKey
    const keys = keyOrSet.keys ?? [keyOrSet]
    const jwk = keys.find((key) => key.kid === kid) ?? keys[0]!
    try {
      const algorithm = jwk.alg ?? 'RS256'
      return { algorithm, publicKey: (await importJWK(jwk, algorithm)) as CryptoKey }
    } catch {
      return undefined
    }
  }
  return new AccessTokens({
    keyRing: { find, generation: 0 } as unknown as KeyRing,
    issuer: 'https://auth.example.com',
    clientId: 'latchkey',
    audiences: ['https://auth.example.com'],
    lifetimeSeconds: 900,
    clock: Date.now,
  })
}

/** What the token itself says. */
function algorithmOf(token: string): string {
  try {
    const header = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as JWK
    return String(header.alg)
  } catch {
    return 'no algorithm'
  }
}
