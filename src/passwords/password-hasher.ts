/** bcrypt in worker threads behind a bounded queue. */
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Piscina } from 'piscina'
import { AppError, ErrorCode } from '../errors.ts'
import type { HashingResult, HashingTask, QueuedTask } from './bcrypt.worker.ts'

/** Costs are those that BCRYPT_COST may have: at 31 one comparison would keep a thread for days. */
const hashShape = /^\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/
/** Tasks that may wait for each thread: more would only be refused after the longest wait below. */
const waitingTasksPerThread = 12
/** Up to this cost; each step above it takes twice the time, so that half as many may wait. */
const ordinaryCost = 12
const retryAfterSeconds = 5
/** On a slow or a busy machine the tasks that may wait take longer. */
const defaultLongestWaitMilliseconds = 4000

export class PasswordHasher {
  readonly #cost: number
  readonly #pool: Piscina<QueuedTask, HashingResult>
  readonly #maximumWaiting: number
  readonly #longestWaitMilliseconds: number
  readonly #longestTurnMilliseconds: number
  /** Gets the seconds that each task waited for a thread. */
  onWaited: ((seconds: number) => void) | undefined

  /**
   * @param cost bcrypt's, the logarithm of the number of rounds
   * @param processes how many on this machine hash at the same time: they share its processors
   * @param longestWaitMilliseconds for a thread, after which a task is refused undone
   * @param longestTurnMilliseconds wait and work, after which its result is refused
   */
  constructor(
    cost: number,
    processes = 1,
    longestWaitMilliseconds = defaultLongestWaitMilliseconds,
    longestTurnMilliseconds = Number.POSITIVE_INFINITY,
  ) {
    this.#cost = cost
    this.#longestWaitMilliseconds = longestWaitMilliseconds
    this.#longestTurnMilliseconds = longestTurnMilliseconds
    const threads = Math.max(1, Math.floor((availableParallelism() - 1) / processes))
    this.#pool = new Piscina({
      filename: new URL(`./bcrypt.worker${extname(import.meta.filename)}`, import.meta.url).href,
      minThreads: 0,
      maxThreads: threads,
      // Starting a thread costs more than keeping one.
      idleTimeout: 60_000,
      // Otherwise a task that finds all threads busy goes back behind the newest, for ever under load.
      stricterFIFO: true,
    })
    this.#maximumWaiting = (waitingTasksPerThread / 2 ** Math.max(0, cost - ordinaryCost)) * threads
  }

  /**
   * @param password in normal form
   * @throws AppError RATE_LIMITED when the queue is full, or its turn does not come, or end, in time
   */
  async hash(password: string): Promise<string> {
    return (await this.#run({ kind: 'hash', password, cost: this.#cost })) as string
  }

  /**
   * Whether the password has the hash. Without a usable hash it is false after the same work.
   * @throws AppError RATE_LIMITED when the queue is full, or its turn does not come, or end, in time
   */
  async verify(password: string, hash: string | null | undefined): Promise<boolean> {
    const task = { kind: 'verify', password, hash: this.#usable(hash), cost: this.#cost } as const
    return (await this.#run(task)) as boolean
  }

  /**
   * The work of `verify` for a password that bcrypt cannot take: a refusal that came sooner would leave
   * the rest of the request, which differs from account to account, to be measured.
   * @throws AppError RATE_LIMITED when the queue is full, or its turn does not come, or end, in time
   */
  async refuse(hash: string | null | undefined): Promise<void> {
    await this.verify('', hash)
  }

  /**
   * Hashes a new password where the current one has the hash: both in one turn, since what waits twice
   * may be given up by its client and come true all the same.
   * @returns undefined where it has not, after the work of `verify`
   * @throws AppError RATE_LIMITED when the queue is full, or its turn does not come, or end, in time
   */
  async replace(
    password: string,
    hash: string | null | undefined,
    newPassword: string,
  ): Promise<string | undefined> {
    const verifying = { kind: 'verify', password, newPassword } as const
    const value = await this.#run({ ...verifying, hash: this.#usable(hash), cost: this.#cost })
    return typeof value === 'string' ? value : undefined
  }

  /**
   * Refuses what could not be hashed anyway, before there is any other work: on a full queue every
   * refusal costs as little as it can.
   * @throws AppError RATE_LIMITED when the queue is full
   */
  checkRoom(): void {
    if (this.#pool.queueSize >= this.#maximumWaiting) throw busy()
  }

  isWellFormed(hash: string): boolean {
    return hashShape.test(hash)
  }

  /** Whether the hash was made at a lower cost than is configured now. */
  needsRehash(hash: string): boolean {
    const cost = hashShape.exec(hash)?.[1]
    return cost !== undefined && Number(cost) < this.#cost
  }

  /** Tasks that wait for a thread. */
  get queueDepth(): number {
    return this.#pool.queueSize
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  #usable(hash: string | null | undefined): string | undefined {
    return hash != null && this.isWellFormed(hash) ? hash : undefined
  }

  async #run(task: HashingTask): Promise<string | boolean> {
    this.checkRoom()
    const queuedAt = now()
    const { startedAt, value } = await this.#pool.run({
      ...task,
      startBy: queuedAt + this.#longestWaitMilliseconds,
    })
    this.onWaited?.(Math.max(0, startedAt - queuedAt) / 1000)
    if (value === undefined || now() - queuedAt > this.#longestTurnMilliseconds) throw busy()
    return value
  }
}

/** By the clock of `HashingResult.startedAt`. */
function now(): number {
  return performance.timeOrigin + performance.now()
}

function busy(): AppError {
  return new AppError(ErrorCode.RATE_LIMITED, 'The server is busy. Try again in a moment.', {
    retryAfter: retryAfterSeconds,
  })
}
