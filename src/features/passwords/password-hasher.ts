/** bcrypt in worker threads behind a bounded queue that is fair to client networks. */
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Piscina } from 'piscina'
import { AppError, ErrorCode } from '../../core/errors.ts'
import type { HashingResult, HashingTask, QueuedTask } from './bcrypt.worker.ts'
import { FairQueue } from './fair-queue.ts'

/** Costs are those that BCRYPT_COST may have: at 31 one comparison would keep a thread for days. */
const hashShape = /^\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/
/** Tasks that may wait for each thread: more would only be refused after the longest wait below. */
const waitingTasksPerThread = 12
/** Up to this cost; each step above it takes twice the time, so that half as many may wait. */
const ordinaryCost = 12
const retryAfterSeconds = 5
/** On a slow or a busy machine the tasks that may wait take longer. */
const defaultLongestWaitMilliseconds = 4000

/** A task that waits for a thread. */
interface Waiting {
  readonly startBy: number
  start(): void
  giveUp(reason: Error): void
}

export interface PasswordHasherOptions {
  /** bcrypt's, the logarithm of the number of rounds. */
  readonly cost: number
  /** How many processes on this machine hash at the same time: they share its processors. */
  readonly processes?: number
  /** How long a task waits for a thread before it is refused undone. */
  readonly longestWaitMilliseconds?: number
  /** How long waiting and work may take together before the result is refused. */
  readonly longestTurnMilliseconds?: number
  /** Gets the seconds that each task waited for a thread. */
  readonly onWaited?: ((seconds: number) => void) | undefined
}

export class PasswordHasher {
  readonly #cost: number
  readonly #pool: Piscina<QueuedTask, HashingResult>
  readonly #threads: number
  readonly #queue: FairQueue<Waiting>
  #runningTasks = 0
  readonly #longestWaitMilliseconds: number
  readonly #longestTurnMilliseconds: number
  readonly #onWaited: ((seconds: number) => void) | undefined

  constructor({
    cost,
    processes = 1,
    longestWaitMilliseconds = defaultLongestWaitMilliseconds,
    longestTurnMilliseconds = Number.POSITIVE_INFINITY,
    onWaited,
  }: PasswordHasherOptions) {
    this.#cost = cost
    this.#longestWaitMilliseconds = longestWaitMilliseconds
    this.#longestTurnMilliseconds = longestTurnMilliseconds
    this.#onWaited = onWaited
    const threads = Math.max(1, Math.floor((availableParallelism() - 1) / processes))
    this.#pool = new Piscina({
      filename: new URL(`./bcrypt.worker${extname(import.meta.filename)}`, import.meta.url).href,
      minThreads: 0,
      maxThreads: threads,
      // Starting a thread costs more than keeping one.
      idleTimeout: 60_000,
    })
    this.#threads = threads
    this.#queue = new FairQueue(
      (waitingTasksPerThread / 2 ** Math.max(0, cost - ordinaryCost)) * threads,
    )
  }

  /**
   * @param password in normal form
   * @param network of the client: networks have their turns one after another
   * @throws AppError RATE_LIMITED when the queue is full, or its turn does not come, or end, in time
   */
  async hash(password: string, network = ''): Promise<string> {
    return (await this.#run({ kind: 'hash', password, cost: this.#cost }, network)) as string
  }

  /**
   * Whether the password has the hash. Without a usable hash it is false after the same work.
   * @throws AppError RATE_LIMITED when the queue is full, or its turn does not come, or end, in time
   */
  async verify(password: string, hash: string | null | undefined, network = ''): Promise<boolean> {
    const task = { kind: 'verify', password, hash: this.#usable(hash), cost: this.#cost } as const
    return (await this.#run(task, network)) as boolean
  }

  /**
   * The work of `verify` for a password that bcrypt cannot take: a refusal that came sooner would leave
   * the rest of the request, which differs from account to account, to be measured.
   * @throws AppError RATE_LIMITED when the queue is full, or its turn does not come, or end, in time
   */
  async refuse(hash: string | null | undefined, network = ''): Promise<void> {
    await this.verify('', hash, network)
  }

  /**
   * Hashes a new password where the current one has the hash: both in one turn of the queue:
   * a request that queues twice may be abandoned by its client and still take effect.
   * @returns undefined if it has not, after the work of `verify`
   * @throws AppError RATE_LIMITED when the queue is full, or its turn does not come, or end, in time
   */
  async replace(
    password: string,
    hash: string | null | undefined,
    newPassword: string,
    network = '',
  ): Promise<string | undefined> {
    const verifying = { kind: 'verify', password, newPassword } as const
    const task = { ...verifying, hash: this.#usable(hash), cost: this.#cost }
    const value = await this.#run(task, network)
    return typeof value === 'string' ? value : undefined
  }

  /**
   * Refuses what could not be hashed anyway, before there is any other work: on a full queue every
   * refusal costs as little as it can.
   * @throws AppError RATE_LIMITED when the queue is full, and the client's network has its share of it
   */
  checkRoom(network = ''): void {
    if (this.#runningTasks >= this.#threads && !this.#queue.hasRoom(network)) throw busy()
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
    return this.#queue.size
  }

  async close(): Promise<void> {
    for (let next = this.#queue.take(); next; next = this.#queue.take()) {
      next.giveUp(new Error('Passwords are no longer hashed'))
    }
    await this.#pool.destroy()
  }

  #usable(hash: string | null | undefined): string | undefined {
    return hash != null && this.isWellFormed(hash) ? hash : undefined
  }

  async #run(task: HashingTask, network: string): Promise<string | boolean> {
    this.checkRoom(network)
    const queuedAt = now()
    const startBy = queuedAt + this.#longestWaitMilliseconds
    try {
      await this.#turn(network, startBy)
    } catch (error) {
      this.#onWaited?.((now() - queuedAt) / 1000)
      throw error
    }
    try {
      const { startedAt, value } = await this.#pool.run({ ...task, startBy })
      this.#onWaited?.(Math.max(0, startedAt - queuedAt) / 1000)
      if (value === undefined || now() - queuedAt > this.#longestTurnMilliseconds) throw busy()
      return value
    } finally {
      this.#runningTasks -= 1
      this.#startNext()
    }
  }

  /**
   * Waits for a free thread.
   * @throws AppError RATE_LIMITED when it takes too long, or the task has to give way to another network's
   */
  async #turn(network: string, startBy: number): Promise<void> {
    if (this.#runningTasks < this.#threads) {
      this.#runningTasks += 1
      return
    }
    await new Promise<void>((start, reject) => {
      this.#queue.add(network, { startBy, start, giveUp: reject })?.giveUp(busy())
    })
  }

  #startNext(): void {
    while (this.#runningTasks < this.#threads) {
      const next = this.#queue.take()
      if (!next) return
      if (now() > next.startBy) {
        next.giveUp(busy())
      } else {
        this.#runningTasks += 1
        next.start()
      }
    }
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
