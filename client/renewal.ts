/** One renewal at a time, and what happens when it fails. */
import { whileWanted } from './deadline.ts'
import { AuthError } from './errors.ts'

/** @returns cancels it */
export type Schedule = (task: () => void, milliseconds: number) => () => void

export interface RenewalOptions {
  /** In turn with the other tabs. */
  readonly exclusive: <T>(task: () => Promise<T>) => Promise<T>
  /** Whether the token is still the one that is held: another tab may have been quicker. */
  readonly isHeld: (accessToken: string | undefined) => boolean
  /** Gets the next tokens and takes them over, or ends the session. Throws if neither is known. */
  readonly refresh: (signal: AbortSignal) => Promise<void>
  readonly clock: () => number
  readonly schedule: Schedule
}

/** Calls that come this soon after a failure share it. */
const shareFailureMilliseconds = 1000
/**
 * A response that was lost can be fetched again for 30 seconds, the server's grace window; later the old
 * refresh token counts as stolen. What is tried later helps only who is asking.
 */
const attemptsInBackground = 4

export class Renewal {
  readonly #options: RenewalOptions
  #underWay: Promise<void> | undefined
  #abort = new AbortController()
  #failure: { readonly error: unknown; readonly sharedUntil: number } | undefined
  #failures = 0
  #cancelRetry: (() => void) | undefined
  #stale: string | undefined

  constructor(options: RenewalOptions) {
    this.#options = options
  }

  /**
   * Renews, or waits for the renewal that is under way.
   * @param stale the access token that is to be replaced; undefined if there is none
   * @throws NetworkError, AuthError: nothing is known of the session, which stays
   */
  renew(stale: string | undefined): Promise<void> {
    this.#stale = stale
    return (this.#underWay ??= this.#run(stale).finally(() => (this.#underWay = undefined)))
  }

  /** The session has ended: no one waits any more, and what is on its way is not wanted. */
  abort(): void {
    this.#abort.abort(new DOMException('The session has ended.', 'AbortError'))
    this.#abort = new AbortController()
    this.#settle()
  }

  /** After a failure: the network is back, or it is time to try again. */
  retryNow(): void {
    if (!this.#failure) return
    this.#cancelRetry?.()
    this.#failure = undefined
    this.renew(this.#stale).catch(() => undefined)
  }

  async #run(stale: string | undefined): Promise<void> {
    const { clock, exclusive, isHeld, refresh } = this.#options
    if (this.#failure && clock() < this.#failure.sharedUntil) throw this.#failure.error
    const { signal } = this.#abort
    try {
      await whileWanted(
        signal,
        exclusive(async () => {
          if (!signal.aborted && isHeld(stale)) await refresh(signal)
        }),
      )
      if (!signal.aborted) this.#settle()
    } catch (error) {
      if (!signal.aborted) this.#fail(error)
      throw error
    }
  }

  #settle(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#failure = undefined
    this.#failures = 0
  }

  #fail(error: unknown): void {
    const { clock, schedule } = this.#options
    const said = error instanceof AuthError ? error.serverError : undefined
    const isLimited = said?.code === 'RATE_LIMITED'
    const share = isLimited ? said.retryAfter * 1000 : shareFailureMilliseconds
    this.#failure = { error, sharedUntil: clock() + share }
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    if (this.#failures >= attemptsInBackground) return
    const wait = isLimited ? share : shareFailureMilliseconds * 2 ** this.#failures
    this.#failures += 1
    this.#cancelRetry = schedule(() => this.retryNow(), wait)
  }
}

export const scheduleByTimer: Schedule = (task, milliseconds) => {
  const timer = setTimeout(task, milliseconds)
  // In Node a renewal that no one waits for keeps no program running.
  ;(timer as { unref?: () => void }).unref?.()
  return () => clearTimeout(timer)
}
