/**
 * Delays refusals when there are too many of them (docs/adr/0041). A client that tries again as soon as it
 * is refused would otherwise take all the time of the event loop, and on one core that of the hashes too.
 */

export interface RefusalPaceOptions {
  /** No refusal is held for longer. */
  readonly longestMilliseconds: number
  /** Which network a client IP belongs to. */
  readonly networkOf: (ip: string | undefined) => string
  /** Refusals a second that are sent at once, after a burst of a second's worth. */
  readonly perSecond?: { readonly network: number; readonly all: number } | undefined
  readonly maximumHeld?: number
  /** Milliseconds, by a clock that only goes forward. */
  readonly now?: () => number
}

const defaultPerSecond = { network: 20, all: 50 }
/** A few kilobytes each, with the connection that they belong to. */
const defaultMaximumHeld = 5000
const maximumNetworks = 10_000

export class RefusalPace {
  readonly #options: RefusalPaceOptions
  readonly #perSecond: { readonly network: number; readonly all: number }
  readonly #now: () => number
  /** When the next refusal is due, if none may be early. */
  #allDue = 0
  /** In the order of their last refusal. */
  readonly #networksDue = new Map<string, number>()
  readonly #held = new Map<NodeJS.Timeout, () => void>()
  #isStopping = false

  constructor(options: RefusalPaceOptions) {
    this.#options = options
    this.#perSecond = options.perSecond ?? defaultPerSecond
    this.#now = options.now ?? (() => performance.now())
  }

  get heldCount(): number {
    return this.#held.size
  }

  /**
   * Sends a refusal: at once, or when its turn comes. The delay depends on the number of refusals alone, not
   * on their cause.
   * @param elapsedMilliseconds that the request has taken: one that has waited for long is not held
   */
  send(ip: string | undefined, elapsedMilliseconds: number, send: () => void): void {
    const { longestMilliseconds, networkOf } = this.#options
    const latest = this.#now() + longestMilliseconds - elapsedMilliseconds
    // What a network sends too fast does not count for the others before it is due.
    this.#hold(this.#dueOf(networkOf(ip)), latest, () => {
      this.#allDue = this.#next(this.#allDue, this.#perSecond.all)
      this.#hold(this.#allDue, latest, send)
    })
  }

  /** Resolves when a refusal may be sent. */
  turn(ip: string | undefined, elapsedMilliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.send(ip, elapsedMilliseconds, resolve)
    })
  }

  /**
   * Resolves when a response may be sent that is not a refusal, but costs the event loop much. It waits for
   * its own network only.
   * @param count of the costly fields that the request has executed
   */
  costlyTurn(ip: string | undefined, elapsedMilliseconds: number, count: number): Promise<void> {
    const { longestMilliseconds, networkOf } = this.#options
    const latest = this.#now() + longestMilliseconds - elapsedMilliseconds
    return new Promise((resolve) => {
      this.#hold(this.#dueOf(networkOf(ip), count), latest, resolve)
    })
  }

  /** Sends what is held, and holds nothing from now on. */
  stop(): void {
    this.#isStopping = true
    for (const [timer, send] of this.#held) {
      clearTimeout(timer)
      send()
    }
    this.#held.clear()
  }

  #hold(due: number, latest: number, then: () => void): void {
    const { maximumHeld = defaultMaximumHeld } = this.#options
    const delay = Math.min(due, latest) - this.#now()
    if (delay < 1 || this.#isStopping || this.#held.size >= maximumHeld) return then()
    const timer = setTimeout(() => {
      this.#held.delete(timer)
      then()
    }, delay)
    this.#held.set(timer, then)
  }

  #dueOf(network: string, count = 1): number {
    const perSecond = this.#perSecond.network / count
    const due = this.#next(this.#networksDue.get(network) ?? 0, perSecond)
    // Again at the end, as the newest.
    this.#networksDue.delete(network)
    if (this.#networksDue.size >= maximumNetworks) {
      this.#networksDue.delete(this.#networksDue.keys().next().value!)
    }
    this.#networksDue.set(network, due)
    return due
  }

  /** When the refusal after the one that is due then may be sent. */
  #next(due: number, perSecond: number): number {
    const now = this.#now()
    const latest = now + this.#options.longestMilliseconds
    return Math.min(latest, Math.max(due, now - 1000) + 1000 / perSecond)
  }
}
