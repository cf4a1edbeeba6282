/** Reports a sign-out to the server: now, or when it can be reached again. */
import { readStorage } from './coordination.ts'
import { inTime, renewalTimeoutMilliseconds } from './deadline.ts'
import { endedError } from './errors.ts'
import { LogoutDocument, RefreshTokenDocument } from './generated/operations.ts'
import { readRefusal, send, unwrap, type Endpoint } from './operation.ts'
import { sessionIdOf, type Tokens } from './tokens.ts'

/**
 * Ends the session that the tokens, or the cookie, name.
 * @throws NetworkError, AuthError
 */
export async function sendSignOut(endpoint: Endpoint, tokens: Tokens | undefined): Promise<void> {
  const { accessToken, refreshToken = null } = tokens ?? {}
  const variables = { scope: 'THIS' as const, refreshToken }
  const answer = await inTime((signal) =>
    send(endpoint, LogoutDocument, variables, { accessToken, signal, keepalive: true }),
  )
  unwrap(answer)
}

/**
 * Ends all sessions of the user whose session the tokens, or the cookie, name. The server wants a live
 * access token for that: it is fetched if there is none.
 * @param isGood whether the access token has not expired by the client's clock
 * @throws NetworkError, AuthError
 */
export async function sendSignOutEverywhere(
  endpoint: Endpoint,
  tokens: Tokens | undefined,
  isGood: boolean,
): Promise<void> {
  const tell = (accessToken: string) =>
    inTime((signal) =>
      send(endpoint, LogoutDocument, { scope: 'ALL' }, { accessToken, signal, keepalive: true }),
    )
  let answer = isGood && tokens ? await tell(tokens.accessToken) : undefined
  if (
    !answer ||
    readRefusal(answer, { document: undefined, isOwn: true })?.reason === 'TOKEN_EXPIRED'
  ) {
    const { refreshToken = null } = tokens ?? {}
    const renewed = await inTime(
      (signal) =>
        send(endpoint, RefreshTokenDocument, { refreshToken }, { signal, keepalive: true }),
      undefined,
      renewalTimeoutMilliseconds,
    )
    const { accessToken } = unwrap(renewed).refreshToken
    // The cookie may be someone else's by now.
    if (tokens?.accessToken && sessionIdOf(accessToken) !== sessionIdOf(tokens.accessToken)) {
      throw endedError()
    }
    answer = await tell(accessToken)
  }
  unwrap(answer)
}

/**
 * A sign-out that the server does not know of. Scripts cannot take the cookie away, and it outlives the
 * page: so does this mark, and anyone who loads the page next is not signed in by the cookie.
 */
export class PendingSignOut {
  readonly #key: string
  /** Where there is no storage: then other tabs cannot take it away either. */
  #isSet = false

  constructor(url: string) {
    this.#key = `latchkey ${url} sign-out`
  }

  isSet(): boolean {
    const storage = readStorage('localStorage')
    return storage ? storage.getItem(this.#key) !== null : this.#isSet
  }

  set(): void {
    this.#isSet = true
    try {
      readStorage('localStorage')?.setItem(this.#key, '1')
    } catch {
      // It is full: then for this page only.
    }
  }

  clear(): void {
    this.#isSet = false
    readStorage('localStorage')?.removeItem(this.#key)
  }
}
