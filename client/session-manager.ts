/** Keeps a session alive: starts it, restores it, renews it, and lets go of it when it is over. */
import type { TokenSource } from './authorized-fetch.ts'
import type { Coordination } from './coordination.ts'
import { inTime, renewalTimeoutMilliseconds } from './deadline.ts'
import { AuthError, NetworkError, readServerError } from './errors.ts'
import {
  MeDocument,
  RefreshTokenDocument,
  type PersonFragment,
  type SignedInFragment,
} from './generated/operations.ts'
import type { TokenErrorReason } from './generated/schema.ts'
import { readRefusal, send, unwrap, type Endpoint, type ProofRequired } from './operation.ts'
import { Proof, type AskForProof } from './proof.ts'
import { Renewal, type Schedule } from './renewal.ts'
import { Session, type AuthState, type HeldSession, type SignedOutReason } from './session.ts'
import { PendingSignOut, sendSignOut, sendSignOutEverywhere } from './sign-out.ts'
import { Tabs } from './tabs.ts'
import { proofAgeAtIssue, sessionIdOf, type Tokens, type TokenStore } from './tokens.ts'

export interface SessionManagerOptions {
  readonly endpoint: Endpoint
  readonly store: TokenStore | undefined
  readonly renewBeforeSeconds: number
  readonly clock: () => number
  readonly schedule: Schedule
  readonly coordination: Coordination | 'none' | undefined
  readonly askForProof: AskForProof | undefined
}

/** Refusals without a reason lead to one renewal in this time. */
const othersMilliseconds = 30_000

export class SessionManager implements TokenSource {
  readonly session: Session
  readonly tabs: Tabs
  readonly #endpoint: Endpoint
  readonly #store: TokenStore | undefined
  readonly #clock: () => number
  readonly #renewal: Renewal
  readonly #pendingSignOut: PendingSignOut
  readonly #proof: Proof
  #starting: Promise<AuthState> | undefined
  #renewedForOthers: { at: number; token: string; done: Promise<void> } | undefined

  constructor(options: SessionManagerOptions) {
    const { clock, coordination, endpoint, schedule, store } = options
    const { url } = endpoint
    const session = new Session(options.renewBeforeSeconds)
    const renewal = new Renewal({
      exclusive: (task) => this.tabs.exclusive(task),
      isHeld: (accessToken) => session.held?.tokens.accessToken === accessToken,
      refresh: (aborted) => this.#refresh(aborted),
      clock,
      schedule,
    })
    this.tabs = new Tabs({
      url,
      coordination,
      session,
      clock,
      hasStore: store !== undefined,
      revalidate: (reason) => void this.#revalidate(reason),
      check: (reason) => void this.#check(reason),
      onEnd: () => renewal.abort(),
      onOnline: () => renewal.retryNow(),
    })
    this.session = session
    this.#endpoint = endpoint
    this.#store = store
    this.#clock = clock
    this.#renewal = renewal
    this.#pendingSignOut = new PendingSignOut(url)
    this.#proof = new Proof(session, options.askForProof)
  }

  // What requests need.

  /** AuthClient.accessToken */
  async accessToken(): Promise<string | undefined> {
    await this.start()
    const { held } = this.session
    if (!held || this.#clock() < held.renewAt) return held?.tokens.accessToken
    try {
      await this.#renewal.renew(held.tokens.accessToken)
    } catch (error) {
      if (!this.session.held) throw this.session.endedError()
      // It is early yet: the old token does as long as it is good.
      if (this.session.held !== held || this.#clock() >= held.tokens.expiresAt) throw error
    }
    // What was asked for one user is never sent as another.
    if (this.session.held?.user.id !== held.user.id) throw this.session.endedError()
    return this.session.held.tokens.accessToken
  }

  /** AuthClient.handleRejectedToken */
  async handleRejectedToken(
    refusedToken: string,
    reason?: TokenErrorReason,
  ): Promise<string | undefined> {
    const { held } = this.session
    // It is about another session than the one that is held by now.
    if (!held || sessionIdOf(refusedToken) !== held.id) return undefined
    const isCurrent = held.tokens.accessToken === refusedToken
    switch (reason) {
      case undefined:
        if (isCurrent) await this.#renewForOthers(refusedToken)
        return this.#successor(held, refusedToken)
      case 'TOKEN_EXPIRED':
        if (!isCurrent) return this.accessToken()
        await this.#renewUnlessEnded(refusedToken)
        return this.#successor(held)
      case 'ACCOUNT_DISABLED':
        // It may concern another user, who tried to sign in: the renewal shows.
        if (isCurrent) await this.#renewUnlessEnded(refusedToken)
        return undefined
      case 'SESSION_ENDED':
      case 'TOKEN_INVALID':
        await this.end(reason)
        return undefined
      case 'TOKEN_MISSING':
      // It says nothing of the session, whose own tokens are for every audience.
      case 'WRONG_AUDIENCE':
        return undefined
    }
  }

  /** AuthClient.proofRequired */
  async proofRequired(refusedToken: string, proof: ProofRequired): Promise<string | undefined> {
    const proven = await this.#proof.obtain(refusedToken, proof)
    return proven && this.#successor(proven, refusedToken)
  }

  /** AuthClient.proofAge */
  proofAge(): number | undefined {
    const { tokens } = this.session.held ?? {}
    if (!tokens) return undefined
    const { accessToken, expiresAt, lifetimeSeconds = 0 } = tokens
    return proofAgeAtIssue(accessToken) + lifetimeSeconds - (expiresAt - this.#clock()) / 1000
  }

  /** The token of the same user that has taken the place of the refused one. */
  #successor({ user }: HeldSession, refusedToken?: string): string | undefined {
    const { held } = this.session
    const accessToken = held?.user.id === user.id ? held.tokens.accessToken : undefined
    return accessToken === refusedToken ? undefined : accessToken
  }

  /**
   * After a refusal that says nothing about the session: renews, unless that was just done. A service
   * that refuses every token must not turn each of its requests into a renewal.
   */
  async #renewForOthers(refusedToken: string): Promise<void> {
    const now = this.#clock()
    const last = this.#renewedForOthers
    const isRecent = last && Math.abs(now - last.at) < othersMilliseconds
    if (isRecent && last.token !== refusedToken) return
    if (!isRecent) {
      const done = this.#renewal.renew(refusedToken).catch(() => undefined)
      this.#renewedForOthers = { at: now, token: refusedToken, done }
    }
    await this.#renewedForOthers?.done
  }

  // The beginning.

  /** AuthClient.start */
  async start(): Promise<AuthState> {
    this.tabs.open()
    if (this.session.state.status !== 'unknown') return this.session.state
    return (this.#starting ??= this.#restore().finally(() => (this.#starting = undefined)))
  }

  /** Signs in, in turn: a renewal that is under way would write its cookie over the new one. */
  signIn(getPayload: (signal: AbortSignal) => Promise<SignedInFragment>): Promise<PersonFragment> {
    return this.tabs.exclusive(async () => {
      const sentAt = this.#clock()
      const payload = await inTime(getPayload)
      await this.#takeOver(payload, sentAt, 'signIn')
      return payload.user
    })
  }

  /** Takes over the tokens of a response that replaces the refresh token: no one may renew meanwhile. */
  replaceTokens<A>(
    work: (signal: AbortSignal) => Promise<A>,
    read: (answer: A) => SignedInFragment | undefined,
  ): Promise<A> {
    return this.tabs.exclusive(async () => {
      const sentAt = this.#clock()
      const answer = await inTime(work)
      const payload = read(answer)
      if (payload) await this.#takeOver(payload, sentAt, 'renewal')
      return answer
    })
  }

  /** What is new about the user. */
  update(user: PersonFragment): void {
    this.session.update(user)
    this.tabs.share('renewal')
  }

  async #restore(): Promise<AuthState> {
    const { session } = this
    try {
      const stored = await this.#store?.read()
      if (this.#store && !stored) session.end()
      else if (stored && this.#isGood(stored)) await this.#adoptStored(stored)
      if (session.state.status === 'unknown') await this.#renewal.renew(undefined)
    } catch (error) {
      // Someone signed in or out meanwhile: then it is known.
      if (session.state.status === 'unknown') throw error
    }
    // The session is one that has just ended in another tab.
    if (session.state.status === 'unknown') session.end()
    return session.state
  }

  // The end.

  /** Of a session that the server, or the user, has ended. */
  end(reason: SignedOutReason | undefined): Promise<void> {
    this.#renewal.abort()
    return this.#forget(reason)
  }

  /** Signs out at once, in every tab, then notifies the server. */
  async signOut(scope: 'THIS' | 'ALL'): Promise<void> {
    const before = (await this.#store?.read()) ?? this.session.held?.tokens
    if (!this.#store) this.#pendingSignOut.set()
    const { held } = this.session
    await this.end('SIGNED_OUT')
    // This page may not know yet who is signed in; other tabs do.
    if (!held) this.tabs.tellEnd(undefined, 'SIGNED_OUT')
    await this.tabs.exclusive(async () => {
      // A sign-in that was under way when the user signed out ends as well.
      const late = this.session.held?.tokens
      if (late) await this.end('SIGNED_OUT')
      const tokens = late ?? before
      let refusal: AuthError | undefined
      if (scope === 'ALL') {
        const isGood = tokens !== undefined && this.#clock() < tokens.expiresAt
        await sendSignOutEverywhere(this.#endpoint, tokens, isGood).catch((error: unknown) => {
          if (!(error instanceof AuthError)) throw error
          refusal = error
        })
      }
      // What is refused for all holds for this one.
      if (scope === 'THIS' || refusal) await sendSignOut(this.#endpoint, tokens)
      this.#pendingSignOut.clear()
      // oxlint-disable-next-line typescript/only-throw-error -- set above
      if (refusal) throw refusal
    })
  }

  close(): void {
    this.#renewal.abort()
    this.tabs.close()
  }

  /** @param reason undefined if no one was signed in */
  async #forget(reason: SignedOutReason | undefined): Promise<void> {
    const { held } = this.session
    this.session.end(reason)
    try {
      await this.#store?.clear()
    } finally {
      // Last: tabs that receive the message read the store.
      if (held) this.tabs.tellEnd(held.id, reason ?? 'SIGNED_OUT')
      else this.tabs.tellRefusal(reason)
    }
  }

  // Renewal.

  /** In turn with the other tabs: gets the next tokens, or learns that the session is over. */
  async #refresh(aborted: AbortSignal): Promise<void> {
    const stale = this.session.held
    if (!this.#store && !stale && this.#pendingSignOut.isSet()) {
      await sendSignOut(this.#endpoint, undefined)
      this.#pendingSignOut.clear()
      return this.#forget('SIGNED_OUT')
    }
    const stored = await this.#store?.read()
    if (stored && stored.accessToken !== stale?.tokens.accessToken && this.#isGood(stored)) {
      await this.#adoptStored(stored, aborted)
      if (this.session.held !== stale || this.session.state.status === 'signedOut') return
    }
    if (this.#store && !stored) return this.#forget(stale && 'SIGNED_OUT')
    const refreshToken = stored?.refreshToken
    if (this.#store && refreshToken === undefined) return this.#forget(stale && 'TOKEN_EXPIRED')

    const sentAt = this.#clock()
    const variables = refreshToken === undefined ? {} : { refreshToken }
    const answer = await withOneRetry(aborted, () =>
      inTime(
        (signal) =>
          send(this.#endpoint, RefreshTokenDocument, variables, { signal, keepalive: true }),
        aborted,
        renewalTimeoutMilliseconds,
      ),
    )
    if (aborted.aborted) return
    const failure = readServerError(answer)
    if (failure?.code === 'REFRESH_TOKEN_REUSED') return this.#forget(failure.code)
    if (failure?.code === 'INVALID_REFRESH_TOKEN') {
      // Without a token no one was signed in, or another tab has signed out.
      const { reason } = failure
      const isNone = reason === 'TOKEN_MISSING' || reason === 'WRONG_AUDIENCE'
      return this.#forget(isNone ? stale && 'SESSION_ENDED' : reason)
    }
    await this.#takeOver(unwrap(answer).refreshToken, sentAt, 'renewal')
  }

  async #takeOver(
    payload: SignedInFragment,
    sentAt: number,
    cause: 'signIn' | 'renewal',
  ): Promise<void> {
    const { accessToken, expiresIn, refreshToken, user } = payload
    const tokens: Tokens = {
      accessToken,
      // From when it was asked for: the response may have been long on its way.
      expiresAt: sentAt + expiresIn * 1000,
      lifetimeSeconds: expiresIn,
      refreshToken: this.#store ? (refreshToken ?? undefined) : undefined,
    }
    if (this.session.isOver(sessionIdOf(accessToken))) return
    await this.#store?.write(tokens)
    // It ended while they were written.
    if (!this.session.adopt(tokens, user)) {
      await this.#store?.clear()
      return
    }
    if (cause === 'signIn') this.#pendingSignOut.clear()
    this.tabs.share(cause)
  }

  async #renewUnlessEnded(stale: string): Promise<void> {
    try {
      await this.#renewal.renew(stale)
    } catch (error) {
      if (this.session.held) throw error
    }
  }

  // What comes from elsewhere.

  /** Asks the store, or by the cookie. */
  async #revalidate(reason: SignedOutReason = 'SIGNED_OUT'): Promise<void> {
    const store = this.#store
    try {
      if (!store) return await this.#renewal.renew(this.session.held?.tokens.accessToken)
      // In turn: a write of our own may be under way.
      const stored = await this.tabs.exclusive(async () => store.read())
      const { held } = this.session
      if (!stored) return this.session.end(reason)
      if (stored.accessToken === held?.tokens.accessToken) return
      if (this.#isGood(stored)) await this.#adoptStored(stored)
      else await this.#renewal.renew(held?.tokens.accessToken)
    } catch {
      // It will be seen at the next call.
    }
  }

  /** Another tab was refused by its cookie, which may have been that of another session: asks about this one. */
  async #check(reason: SignedOutReason | undefined): Promise<void> {
    const { held } = this.session
    if (!held) return
    const { accessToken } = held.tokens
    try {
      const answer = await inTime((signal) =>
        send(this.#endpoint, MeDocument, undefined, { accessToken, signal }),
      )
      const refusal = readRefusal(answer, { document: MeDocument, isOwn: true })?.reason
      if (refusal === 'SESSION_ENDED' && reason && this.session.held?.id === held.id) {
        await this.end(reason)
      } else if (refusal) await this.handleRejectedToken(accessToken, refusal)
    } catch {
      // It will be seen at the next call.
    }
  }

  #isGood(tokens: Tokens): boolean {
    return this.#clock() < this.session.renewAt(tokens)
  }

  /** Tokens that the store has, of someone whom it does not name. */
  async #adoptStored(tokens: Tokens, aborted?: AbortSignal): Promise<void> {
    const { accessToken } = tokens
    const { held } = this.session
    if (held?.id !== undefined && held.id === sessionIdOf(accessToken)) {
      if (tokens.expiresAt > held.tokens.expiresAt) this.session.adopt(tokens, held.user)
      return
    }
    const answer = await inTime(
      (signal) => send(this.#endpoint, MeDocument, undefined, { accessToken, signal }),
      aborted,
    )
    const refusal = readRefusal(answer, { document: MeDocument, isOwn: true })
    if (refusal) {
      const { reason } = refusal
      // This client's clock is wrong, or the server is newer than it: the tokens are to be renewed.
      if (reason === undefined || reason === 'TOKEN_EXPIRED') return
      const isOfToken = reason === 'TOKEN_MISSING' || reason === 'WRONG_AUDIENCE'
      return this.#forget(isOfToken ? 'TOKEN_INVALID' : reason)
    }
    this.session.adopt(tokens, unwrap(answer).me)
  }
}

/** Once more if no response came: an idle connection that the server has just closed, a response that got lost. */
async function withOneRetry<T>(aborted: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (aborted.aborted || !(error instanceof NetworkError)) throw error
    return work()
  }
}
