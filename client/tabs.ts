/** Messages between the tabs of a browser about the session, and how each tab handles them. */
import {
  createCoordination,
  createLocalCoordination,
  isBrowser,
  type Coordination,
  type TabMessage,
} from './coordination.ts'
import type { Session, SignedOutReason } from './session.ts'
import { sessionIdOf } from './tokens.ts'

export interface TabsOptions {
  readonly url: string
  readonly coordination: Coordination | 'none' | undefined
  readonly session: Session
  readonly clock: () => number
  /** Whether the app keeps the tokens: its store then says what is true, and a message only that it changed. */
  readonly hasStore: boolean
  /** Something may have happened elsewhere. */
  readonly revalidate: (reason?: SignedOutReason) => void
  /** The session may be over, for this reason. */
  readonly check: (reason: SignedOutReason | undefined) => void
  /** Another tab has ended the session. */
  readonly onEnd: () => void
  /** The network is back. */
  readonly onOnline: () => void
}

/** The other tabs: receives and sends messages from the first call on. */
export class Tabs {
  readonly #options: TabsOptions
  #coordination: Coordination | undefined
  #stopListening: (() => void)[] = []

  constructor(options: TabsOptions) {
    this.#options = options
  }

  open(): Coordination {
    if (this.#coordination) return this.#coordination
    const { revalidate, onOnline } = this.#options
    const coordination = createFor(this.#options)
    this.#coordination = coordination
    this.#stopListening = [
      coordination.listen((message) => this.#hear(message)),
      listenToPage('online', onOnline),
      // Out of the back/forward cache: messages sent meanwhile were missed.
      listenToPage('pageshow', (event) => {
        if ((event as PageTransitionEvent).persisted) revalidate()
      }),
    ]
    return coordination
  }

  exclusive<T>(task: () => Promise<T>): Promise<T> {
    return this.open().exclusive(task)
  }

  /** Gives the session that is held to the others. */
  share(cause: 'signIn' | 'renewal' | 'answer'): void {
    const { held } = this.#options.session
    if (!held) return
    const { accessToken, expiresAt, lifetimeSeconds } = held.tokens
    const session = { accessToken, expiresAt, lifetimeSeconds, user: held.user }
    this.open().tell({ type: 'session', cause, session })
  }

  tellEnd(sessionId: string | undefined, reason: SignedOutReason): void {
    this.open().tell({ type: 'signedOut', sessionId, reason })
  }

  /** Reports that the refresh token was refused, in a tab that cannot name its session. */
  tellRefusal(reason: SignedOutReason | undefined): void {
    this.open().tell({ type: 'check', reason })
  }

  close(): void {
    for (const stop of this.#stopListening) stop()
    this.#stopListening = []
    this.#coordination?.close()
    this.#coordination = undefined
  }

  #hear(message: TabMessage): void {
    const { check, clock, hasStore, revalidate, onEnd, session } = this.#options
    const { held } = session
    // What a renewal that is under way brings is no longer wanted.
    if (message.type === 'signedOut' && message.sessionId !== undefined) {
      session.markEnded(message.sessionId)
    }
    if (message.type === 'ask') {
      if (held && clock() < held.renewAt) this.share('answer')
    } else if (hasStore) {
      revalidate(message.type === 'session' ? undefined : message.reason)
    } else if (message.type === 'check') {
      if (held) check(message.reason)
    } else if (message.type === 'signedOut') {
      if (!held || (message.sessionId ?? held.id) !== held.id) return
      session.end(message.reason)
      onEnd()
    } else if (message.session) {
      const { user, ...tokens } = message.session
      const isSame = sessionIdOf(tokens.accessToken) === held?.id
      // What a tab merely holds says less than what the cookie has just given.
      const isNews = isSame
        ? tokens.expiresAt >= (held?.tokens.expiresAt ?? 0)
        : !held || message.cause !== 'answer'
      if (isNews) session.adopt({ ...tokens, refreshToken: undefined }, user)
    } else if (message.cause === 'signIn') {
      revalidate()
    }
  }
}

function createFor({ coordination, url }: TabsOptions): Coordination {
  if (coordination !== undefined && coordination !== 'none') return coordination
  return coordination === undefined && isBrowser()
    ? createCoordination(`latchkey ${url}`)
    : createLocalCoordination()
}

/** @returns stops listening */
function listenToPage(name: string, hear: (event: Event) => void): () => void {
  if (!isBrowser()) return () => undefined
  addEventListener(name, hear)
  return () => removeEventListener(name, hear)
}
