/** Apple's client secret: a JWT, signed with the key that is registered for Sign in with Apple. */
import { sign } from 'node:crypto'

/** Apple allows up to six months; ours is used at once. */
const lifetimeSeconds = 300

/**
 * developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
 * @param now milliseconds since the epoch
 */
export function appleClientSecret(
  clientId: string,
  key: { readonly teamId: string; readonly keyId: string; readonly privateKey: string },
  now: number,
): string {
  const issuedAt = Math.floor(now / 1000)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const input = [
    encode({ alg: 'ES256', kid: key.keyId }),
    encode({
      iss: key.teamId,
      iat: issuedAt,
      exp: issuedAt + lifetimeSeconds,
      aud: 'https://appleid.apple.com',
      sub: clientId,
    }),
  ].join('.')
  // RFC 7518 section 3.4: r and s side by side, not DER.
  const signature = sign('sha256', Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${input}.${signature.toString('base64url')}`
}
