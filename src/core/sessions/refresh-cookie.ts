import {
  decodeRefreshToken,
  isRefreshTokenOfAnother,
  type RefreshToken,
} from '../tokens/refresh-token.ts'
import type { DerivedKeys } from '../tokens/derived-keys.ts'

/** What the session service needs of a cookie; HTTP provides it, with its own rules on who may use it. */
export interface RefreshCookie {
  /**
   * The token that this request wrote last, undefined if it cleared the cookie; before that the token that
   * the browser sent, undefined also if the request may not use it.
   */
  read(): string | undefined
  write(refreshToken: string, lifetimeSeconds: number): void
  clear(): void
}

/** The token in the cookie, if this server issued it. */
export function tokenInCookie(
  cookie: RefreshCookie,
  derivedKeys: DerivedKeys,
): RefreshToken | undefined {
  const text = cookie.read()
  return text === undefined ? undefined : decodeRefreshToken(text, derivedKeys)
}

/**
 * Takes away a cookie that is of no more use. Not one that the request may not use, and not the token of
 * another server: one that runs on another port of this host under the same issuer keeps its cookie in
 * the same place.
 */
export function discardCookie(cookie: RefreshCookie, derivedKeys: DerivedKeys): void {
  const text = cookie.read()
  if (text !== undefined && !isRefreshTokenOfAnother(text, derivedKeys)) cookie.clear()
}
