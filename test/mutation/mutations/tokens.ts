import { inFile, type Mutation } from '../mutation.ts'

const accessToken = inFile('src/core/tokens/access-token.ts', [
  'test/api/access-token-forgery.test.ts',
  'test/api/access-token-claims.test.ts',
  'test/unit/wycheproof.test.ts',
  'test/api/clocks.test.ts',
])
const refreshToken = inFile('src/core/tokens/refresh-token.ts', ['test/api/refresh-token.test.ts'])
const keyRing = inFile('src/core/tokens/key-ring.ts', [
  'test/unit/key-ring.test.ts',
  'test/api/key-rotation.test.ts',
])
const derivedKeys = inFile('src/core/tokens/derived-keys.ts', ['test/unit/derived-keys.test.ts'])

export const tokens: readonly Mutation[] = [
  accessToken(
    'an access token is accepted in the second in which it expires',
    "if (verified.exp > now) return { status: 'valid'",
    "if (verified.exp >= now) return { status: 'valid'",
    { tests: ['test/api/access-token-claims.test.ts'] },
  ),
  accessToken(
    'an access token names no client',
    'new SignJWT({ ...claims, client_id: clientId })',
    'new SignJWT({ ...claims })',
    { tests: ['test/api/access-token-profile.test.ts', 'test/api/access-token-claims.test.ts'] },
  ),
  accessToken(
    'a token of an older version, without a client, is refused',
    "(clientId === undefined || typeof clientId === 'string')",
    "typeof clientId === 'string'",
    { tests: ['test/api/access-token-claims.test.ts'] },
  ),
  accessToken(
    'a respelled signature is accepted',
    '!shape.test(token) || !hasCanonicalSignature(token)',
    '!shape.test(token)',
    { tests: ['test/api/access-token-forgery.test.ts'] },
  ),
  accessToken(
    'a key is used with another algorithm than its own',
    'if (key === undefined || key.algorithm !== alg) return undefined',
    'if (key === undefined) return undefined',
    {
      survives:
        'jose refuses a CryptoKey of another algorithm by itself; the comparison is a second lock.',
    },
  ),
  accessToken(
    'a token of another issuer is accepted',
    '        issuer,\n        audience: [...audiences],',
    '        audience: [...audiences],',
  ),
  accessToken('a JWT of any type is accepted', '        typ: type,\n', ''),
  accessToken(
    'a token may come from the future',
    'iat! <= now + clockLeewaySeconds &&',
    'iat! <= now + 1e9 &&',
  ),
  accessToken(
    'a token is accepted before its nbf',
    '(nbf === undefined || nbf <= now + clockLeewaySeconds) &&',
    '',
  ),
  accessToken('a token without a jti is accepted', "'iat', 'jti', 'sid'", "'iat', 'sid'", {
    survives: 'The type of jti is checked as well, further down.',
  }),
  accessToken(
    'a token stays accepted after its key was removed',
    'this.#verified.clear()',
    'void this.#verified',
    { tests: ['test/api/key-rotation.test.ts', 'test/api/unreadable-keys.test.ts'] },
  ),
  refreshToken(
    'a refresh token is not authenticated',
    'if (!derivedKeys.verifyMac(body, bytes.subarray(bodyBytes))) return undefined',
    '',
  ),
  refreshToken(
    'a respelled refresh token is accepted',
    "if (prefix + bytes.toString('base64url') !== text) return undefined",
    '',
  ),
  derivedKeys(
    'an encrypted text is decrypted although it was changed, or moved to another row',
    "undefined, 'utf8') +\n        decipher.final('utf8')\n",
    "undefined, 'utf8')\n",
    { tests: ['test/unit/key-ring.test.ts'] },
  ),
  derivedKeys(
    'refresh tokens are signed with the key that encrypts',
    "derive('refresh token v1')",
    "derive('encryption at rest v1')",
  ),
  derivedKeys(
    'a new version cannot decrypt what an older one has encrypted',
    "derive('encryption at rest v1')",
    "derive('encryption at rest v2')",
  ),
  keyRing(
    'keys are rotated a day late',
    '(current.currentSince ?? 0) >= rotationSeconds * 1000',
    '(current.currentSince ?? 0) >= rotationSeconds * 1000 + 86_400_000',
  ),
  keyRing(
    'a retired key is removed while tokens that it signed are valid',
    'now + longestTokenLifetimeMilliseconds + retirementMarginMilliseconds',
    'now + retirementMarginMilliseconds',
  ),
  keyRing(
    'two rotations at the same moment both take effect',
    "where kid = ${currentKid} and state = 'current'`.execute",
    "where state = 'current'`.execute",
  ),
  keyRing(
    'every unknown kid makes the database read the keys again',
    'if (Math.abs(now - this.#lastLookupAt) < reloadCooldownMilliseconds) return undefined',
    '',
  ),
  keyRing(
    'the private half of a key is published',
    "keys.push({ ...jwk, kid, alg: algorithm, use: 'sig' })",
    "keys.push({ ...jwk, d: 'x', kid, alg: algorithm, use: 'sig' })",
  ),
  keyRing(
    'the key that comes next is not published',
    ').filter((key) => key.removableAt == null || key.removableAt > loadedAt)',
    ").filter((key) => key.state !== 'next')",
  ),
  keyRing(
    'a key is signed with for long after another process has retired it',
    'const staleAfterMilliseconds = 10_000',
    'const staleAfterMilliseconds = 100_000_000',
    { tests: ['test/api/key-rotation.test.ts'] },
  ),
]
