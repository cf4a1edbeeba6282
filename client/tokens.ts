/** The tokens of a session, and where an app keeps them. */

export type MaybePromise<T> = T | Promise<T>

export interface Tokens {
  readonly accessToken: string
  /** When the access token ends, in milliseconds of the client's clock. */
  readonly expiresAt: number
  /** How long it lives altogether, so that it is not renewed before half of that. */
  readonly lifetimeSeconds?: number | undefined
  /** Undefined where it travels in a cookie. */
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
  try {
    const payload = accessToken.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')
    const { sid } = JSON.parse(atob(payload)) as { sid?: unknown }
    return typeof sid === 'string' ? sid : undefined
  } catch {
    return undefined
  }
}
