/** The tokens of a session, and where an app keeps them. */

export type MaybePromise<T> = T | Promise<T>

export interface Tokens {
  readonly accessToken: string
  /** When the access token ends, in milliseconds of the client's clock. */
  readonly expiresAt: number
  /** How long it lives altogether, so that it is not renewed before half of that. */
  readonly lifetimeSeconds?: number | undefined
  /** Undefined if it travels in a cookie. */
  readonly refreshToken: string | undefined
}

/**
 * Where an app keeps tokens itself: on a phone, in a test, while rendering on a server. One that several
 * tabs share has to give each of them what another has written.
 */
export interface TokenStore {
  read(): MaybePromise<Tokens | undefined>
  /** Done only when the tokens are kept: a refresh token that is lost ends the session. */
  write(tokens: Tokens): MaybePromise<void>
  clear(): MaybePromise<void>
}

/** Keeps tokens as long as the program runs. */
export function memoryTokenStore(tokens?: Tokens): TokenStore {
  let kept = tokens
  return {
    read: () => kept,
    write: (next) => void (kept = next),
    clear: () => void (kept = undefined),
  }
}

/**
 * Which session a token belongs to: its `sid`. It is compared, never trusted; the server alone knows
 * whether a token is good.
 */
export function sessionIdOf(accessToken: string): string | undefined {
  const { sid } = claimsOf(accessToken)
  return typeof sid === 'string' ? sid : undefined
}

/** Whether the user had proved again who they are when this token was issued, and not yet with that one. */
export function isProvenSince(accessToken: string, before: string): boolean {
  return Number(claimsOf(accessToken)['auth_time']) > Number(claimsOf(before)['auth_time'] ?? 0)
}

/** How old the proof was when the token was issued, in seconds, by the server's clock alone. */
export function proofAgeAtIssue(accessToken: string): number {
  const { auth_time: provenAt, iat: issuedAt } = claimsOf(accessToken)
  return Number(issuedAt) - Number(provenAt)
}

function claimsOf(accessToken: string): Readonly<Record<string, unknown>> {
  try {
    const payload = accessToken.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')
    return JSON.parse(atob(payload)) as Record<string, unknown>
  } catch {
    return {}
  }
}
