/** What runs in the background for as long as the server lives. */
const intervalMilliseconds = 60_000

/** Runs the work every minute, one run at a time. */
export class Maintenance {
  readonly #onFailure: (error: unknown) => void
  #work: () => Promise<void> = async () => {}
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  start(work: () => Promise<void>): void {
    this.#work = work
    this.#timer = setInterval(() => {
      this.run().catch(this.#onFailure)
    }, intervalMilliseconds)
    this.#timer.unref()
  }

  run(): Promise<void> {
    return (this.#running ??= this.#work().finally(() => (this.#running = undefined)))
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Resolves when nothing is running. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#running])
  }
}
