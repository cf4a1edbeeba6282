/** bcrypt in worker threads behind a bounded queue. */
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Piscina } from 'piscina'
import { AppError, ErrorCode } from '../errors.ts'
import type { HashingResult, HashingTask } from './bcrypt.worker.ts'

/** Costs are those that BCRYPT_COST may have: at 31 one comparison would keep a thread for days. */
const hashShape = /^\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/
/** Tasks that may wait for each thread: more would only be answered after their clients have gone. */
const waitingTasksPerThread = 16
/**
 * Nor more than can be expected to be taken up in this time: threads are slower where hashes have a
 * higher cost, or where others keep the processor busy.
 */
const longestWaitSeconds = 5
/** What a task takes at a cost of 12, until it is known how fast this machine is. */
const assumedSeconds = 0.3
/** Of the newest task in the average of what tasks take; it may be so many times longer than that. */
const newestWeight = 0.25
const believedTimes = 4
const retryAfterSeconds = 5

export class PasswordHasher {
  readonly #cost: number
  readonly #pool: Piscina<HashingTask, HashingResult>
  readonly #threads: number
  /** What a task takes of late. */
  #secondsPerTask: number
  /** Gets the seconds that each task waited for a thread. */
  onWaited: ((seconds: number) => void) | undefined

  /**
   * @param cost bcrypt's, the logarithm of the number of rounds
   * @param processes how many on this machine hash at the same time: they share its processors
   */
  constructor(cost: number, processes = 1) {
    this.#cost = cost
    this.#secondsPerTask = assumedSeconds * 2 ** (cost - 12)
    this.#threads = Math.max(1, Math.floor((availableParallelism() - 1) / processes))
    this.#pool = new Piscina({
      filename: new URL(`./bcrypt.worker${extname(import.meta.filename)}`, import.meta.url).href,
      minThreads: 0,
      maxThreads: this.#threads,
      // Starting a thread costs more than keeping one.
      idleTimeout: 60_000,
      // Otherwise a task that finds all threads busy goes back behind the newest, for ever under load.
      stricterFIFO: true,
    })
  }

  /**
   * @param password in normal form
   * @throws AppError RATE_LIMITED when the queue is full
   */
  async hash(password: string): Promise<string> {
    return (await this.#run({ kind: 'hash', password, cost: this.#cost })) as string
  }

  /**
   * Whether the password has the hash. Without a usable hash it is false after the same work.
   * @throws AppError RATE_LIMITED when the queue is full
   */
  async verify(password: string, hash: string | null | undefined): Promise<boolean> {
    const usable = hash != null && this.isWellFormed(hash) ? hash : undefined
    return (await this.#run({
      kind: 'verify',
      password,
      hash: usable,
      cost: this.#cost,
    })) as boolean
  }

  /**
   * Refuses what could not be hashed anyway, before there is any other work: on a full queue every
   * refusal costs as little as it can.
   * @throws AppError RATE_LIMITED when the queue is full
   */
  checkRoom(): void {
    const waitingPerThread = this.#pool.queueSize / this.#threads
    const isShort = waitingPerThread < waitingTasksPerThread
    if (isShort && waitingPerThread * this.#secondsPerTask <= longestWaitSeconds) return
    throw new AppError(ErrorCode.RATE_LIMITED, 'The server is busy. Try again in a moment.', {
      retryAfter: retryAfterSeconds,
    })
  }

  isWellFormed(hash: string): boolean {
    return hashShape.test(hash)
  }

  /** Whether the hash was made at a lower cost than is configured now. */
  needsRehash(hash: string): boolean {
    return Number(hashShape.exec(hash)?.[1] ?? 0) < this.#cost
  }

  /** Tasks that wait for a thread. */
  get queueDepth(): number {
    return this.#pool.queueSize
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #run(task: HashingTask): Promise<string | boolean> {
    this.checkRoom()
    const queuedAt = performance.timeOrigin + performance.now()
    const { endedAt, startedAt, value } = await this.#pool.run(task)
    this.#learn(Math.max(0, endedAt - startedAt) / 1000)
    this.onWaited?.(Math.max(0, startedAt - queuedAt) / 1000)
    return value
  }

  #learn(seconds: number): void {
    // One task that the machine slept through says nothing of the next.
    const believed = Math.min(seconds, believedTimes * this.#secondsPerTask)
    this.#secondsPerTask += (believed - this.#secondsPerTask) * newestWeight
  }
}
