/**
 * Refresh tokens: the session's id, a generation number and an HMAC over both. Nothing about them is
 * stored, so the database gives none away, and a forged one is refused without asking it.
 */
import type { DerivedKeys } from './derived-keys.ts'

export interface RefreshToken {
  readonly sessionId: string
  readonly generation: number
}

/** Lets scanners of source code and logs recognise a leaked token. */
const prefix = 'lkr_'
const idBytes = 16
const bodyBytes = idBytes + 4
const macBytes = 32
const shape = /^lkr_[\w-]{70}$/

/** @param token.sessionId 16 bytes as base64url */
export function encodeRefreshToken(token: RefreshToken, derivedKeys: DerivedKeys): string {
  const body = Buffer.alloc(bodyBytes)
  body.set(Buffer.from(token.sessionId, 'base64url'))
  body.writeUInt32BE(token.generation, idBytes)
  return prefix + Buffer.concat([body, derivedKeys.mac(body)]).toString('base64url')
}

/** Whether it looks like a refresh token, but was not issued with our secret. */
export function isRefreshTokenOfAnother(text: string, derivedKeys: DerivedKeys): boolean {
  return shape.test(text) && decodeRefreshToken(text, derivedKeys) === undefined
}

/** @returns undefined for anything but the one spelling of a token that we made */
export function decodeRefreshToken(
  text: string,
  derivedKeys: DerivedKeys,
): RefreshToken | undefined {
  if (!shape.test(text)) return undefined
  const bytes = Buffer.from(text.slice(prefix.length), 'base64url')
  // The last character has spare bits: only the canonical spelling counts.
  if (bytes.length !== bodyBytes + macBytes) return undefined
  if (prefix + bytes.toString('base64url') !== text) return undefined
  const body = bytes.subarray(0, bodyBytes)
  if (!derivedKeys.verifyMac(body, bytes.subarray(bodyBytes))) return undefined
  return {
    sessionId: body.toString('base64url', 0, idBytes),
    generation: body.readUInt32BE(idBytes),
  }
}
