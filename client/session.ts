/** Who is signed in, and with which tokens: the one place where that changes. */
import { endedError, type AuthError } from './errors.ts'
import type { PersonFragment } from './generated/operations.ts'
import type { TokenErrorReason } from './generated/schema.ts'
import { sessionIdOf, type Tokens } from './tokens.ts'

/** Why someone is signed out who was signed in. */
export type SignedOutReason =
  /** By this page, or by another tab. */
  | 'SIGNED_OUT'
  | 'REFRESH_TOKEN_REUSED'
  | Exclude<TokenErrorReason, 'TOKEN_MISSING' | 'WRONG_AUDIENCE'>

export type AuthState =
  /** Before `start` has had a response. */
  | { readonly status: 'unknown' }
  | { readonly status: 'signedIn'; readonly user: PersonFragment }
  /** Without a reason no one was signed in. */
  | { readonly status: 'signedOut'; readonly reason?: SignedOutReason }

export interface HeldSession {
  readonly id: string | undefined
  readonly tokens: Tokens
  readonly user: PersonFragment
  /** From when on the access token is to be renewed, in milliseconds of the client's clock. */
  readonly renewAt: number
}

export class Session {
  #held: HeldSession | undefined
  #state: AuthState = { status: 'unknown' }
  readonly #listeners = new Set<() => void>()
  readonly #tokenListeners = new Set<() => void>()
  /** Sessions that are over. A response or a message that was on its way brings none of them back. */
  readonly #ended = new Set<string>()
  readonly #renewBeforeSeconds: number

  constructor(renewBeforeSeconds: number) {
    this.#renewBeforeSeconds = renewBeforeSeconds
  }

  get held(): HeldSession | undefined {
    return this.#held
  }

  /** The same object until something changes. */
  get state(): AuthState {
    return this.#state
  }

  /** @returns stops listening */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** As `subscribe`, for every change of the tokens. */
  watchTokens(listener: () => void): () => void {
    this.#tokenListeners.add(listener)
    return () => void this.#tokenListeners.delete(listener)
  }

  /** When tokens are to be renewed: shortly before they end, never in the first half of their life. */
  renewAt({ expiresAt, lifetimeSeconds = Infinity }: Tokens): number {
    return expiresAt - Math.min(this.#renewBeforeSeconds, lifetimeSeconds / 2) * 1000
  }

  isOver(id: string | undefined): boolean {
    return id !== undefined && this.#ended.has(id)
  }

  /** @returns false if the session is known to be over */
  adopt(tokens: Tokens, user: PersonFragment): boolean {
    const id = sessionIdOf(tokens.accessToken)
    if (this.isOver(id)) return false
    this.#held = { id, tokens, user, renewAt: this.renewAt(tokens) }
    this.#become({ status: 'signedIn', user })
    for (const listener of this.#tokenListeners) listener()
    return true
  }

  /** What is new about the user. */
  update(user: PersonFragment): void {
    if (this.#held?.user.id !== user.id) return
    this.#held = { ...this.#held, user }
    this.#become({ status: 'signedIn', user })
  }

  /** @param reason left out if no one was signed in */
  end(reason?: SignedOutReason): void {
    if (this.#held?.id !== undefined) this.#ended.add(this.#held.id)
    const wasSignedIn = this.#held !== undefined
    this.#held = undefined
    for (const listener of this.#tokenListeners) listener()
    // A page that is signed out already keeps its reason.
    if (this.#state.status === 'signedOut' && !wasSignedIn) return
    this.#become(reason === undefined ? { status: 'signedOut' } : { status: 'signedOut', reason })
  }

  /** Another tab says that a session is over; it may be one that is only about to arrive here. */
  markEnded(id: string): void {
    this.#ended.add(id)
  }

  /** What a call gets that was waiting when the session ended. */
  endedError(): AuthError {
    const reason = this.#state.status === 'signedOut' ? this.#state.reason : undefined
    return endedError(
      reason === 'SIGNED_OUT' || reason === 'REFRESH_TOKEN_REUSED' ? undefined : reason,
    )
  }

  #become(state: AuthState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}
