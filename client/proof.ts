/** Asks the app for a proof of who its user is: once for all operations that wait for it, in any tab. */
import type { ProofRequired } from './operation.ts'
import type { HeldSession, Session } from './session.ts'
import { isProvenSince, sessionIdOf } from './tokens.ts'

export interface ReauthenticationRequired extends ProofRequired {
  /** Aborted when the proof is no longer needed: it was given in another tab, or the session has ended. */
  readonly signal: AbortSignal
}

/**
 * Lets the user prove who they are, with `reauthenticate` or with a provider.
 * @returns whether they did; false if they would rather not
 */
export type AskForProof = (required: ReauthenticationRequired) => boolean | Promise<boolean>

export class Proof {
  readonly #session: Session
  readonly #ask: AskForProof | undefined
  #underWay: Promise<boolean> | undefined

  constructor(session: Session, ask: AskForProof | undefined) {
    this.#session = session
    this.#ask = ask
  }

  /** @returns the session as it is after the proof; undefined without one */
  async obtain(refusedToken: string, required: ProofRequired): Promise<HeldSession | undefined> {
    if (sessionIdOf(refusedToken) !== this.#session.held?.id) return undefined
    if (!this.#isGiven(refusedToken) && this.#ask) {
      this.#underWay ??= this.#wait(this.#ask, refusedToken, required).finally(
        () => (this.#underWay = undefined),
      )
      if (!(await this.#underWay)) return undefined
    }
    return this.#isGiven(refusedToken) ? this.#session.held : undefined
  }

  /** Until the app has a response, or there is one without it. */
  async #wait(ask: AskForProof, refusedToken: string, required: ProofRequired): Promise<boolean> {
    const over = new AbortController()
    let stop = () => {}
    const elsewhere = new Promise<boolean>((resolve) => {
      stop = this.#session.watchTokens(() => {
        if (this.#isGiven(refusedToken)) resolve(true)
        else if (this.#session.held?.id !== sessionIdOf(refusedToken)) resolve(false)
      })
    })
    try {
      return await Promise.race([ask({ ...required, signal: over.signal }), elsewhere])
    } finally {
      stop()
      over.abort()
    }
  }

  #isGiven(refusedToken: string): boolean {
    const { held } = this.#session
    return (
      held !== undefined &&
      held.id === sessionIdOf(refusedToken) &&
      isProvenSince(held.tokens.accessToken, refusedToken)
    )
  }
}
