/** A warning that any client can cause must not be able to fill the log. */
import type { Logger } from '../logging/logger.ts'

/** Logs a warning at most once in an interval, and then says how many were left out. */
export class OccasionalWarning {
  readonly #log: Logger
  readonly #clock: () => number
  readonly #intervalMilliseconds: number
  #lastAt = Number.NEGATIVE_INFINITY
  #leftOut = 0

  /** @param intervalMilliseconds infinite for a warning that is logged once */
  constructor(log: Logger, clock: () => number, intervalMilliseconds: number) {
    this.#log = log
    this.#clock = clock
    this.#intervalMilliseconds = intervalMilliseconds
  }

  log(details: object, message: string): void {
    const now = this.#clock()
    // A clock that was set back must not silence it.
    if (Math.abs(now - this.#lastAt) < this.#intervalMilliseconds) {
      this.#leftOut += 1
      return
    }
    const leftOut = this.#leftOut > 0 ? { leftOut: this.#leftOut } : {}
    this.#lastAt = now
    this.#leftOut = 0
    this.#log.warn({ ...details, ...leftOut }, message)
  }
}
