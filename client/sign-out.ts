/** The sign-out, told to the server: now, or when it can be reached again. */
import { readStorage } from './coordination.ts'
import { inTime } from './deadline.ts'
import { LogoutDocument } from './generated/operations.ts'
import { send, unwrap, type Endpoint } from './operation.ts'
import type { Tokens } from './tokens.ts'

/**
 * Ends the session that the tokens, or the cookie, name.
 * @throws NetworkError, AuthError
 */
export async function tellSignOut(endpoint: Endpoint, tokens: Tokens | undefined): Promise<void> {
  const { accessToken, refreshToken = null } = tokens ?? {}
  const variables = { scope: 'THIS' as const, refreshToken }
  const answer = await inTime((signal) =>
    send(endpoint, LogoutDocument, variables, { accessToken, signal, outlivesPage: true }),
  )
  unwrap(answer)
}

/**
 * A sign-out that the server does not know of. Scripts cannot take the cookie away, and it outlives the
 * page: so does this mark, and whoever loads the page next is not signed in by the cookie.
 */
export class SignOutMark {
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
