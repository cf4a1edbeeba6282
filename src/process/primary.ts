/**
 * Several processes that serve on one port of one machine: this one, the primary, starts them, hands
 * them the connections in turn, and restarts those that die. It opens no database itself.
 */
import cluster, { type Worker } from 'node:cluster'
import type { Logger } from '../logging/logger.ts'
import type { Answers } from '../metrics/combined-metrics.ts'
import type { MetricsSnapshot } from '../metrics/metrics.ts'
import type { MessageToPrimary, MessageToWorker } from './worker.ts'

/** The first worker ended before it listened. It has said why itself. */
export class WorkerStartError extends Error {
  override name = 'WorkerStartError'
}

/** Each failure in a row adds this much to the wait before the next start. */
const restartStepMilliseconds = 500
const longestWaitMilliseconds = 30_000
/** The failure of a worker that lived this long is the first of a row. */
const stableAfterMilliseconds = 60_000
/** Well below the ten seconds that Prometheus waits. */
const metricsTimeoutMilliseconds = 2000

/** Starts one worker, which migrates the database, and then the others. They can be stopped meanwhile. */
export class Workers {
  /** Where all of them listen, without a trailing slash; rejects if the first cannot start. */
  readonly listening: Promise<string>
  readonly #listening = Promise.withResolvers<string>()
  readonly #allEnded = Promise.withResolvers<void>()
  readonly #count: number
  readonly #log: Logger
  /** Whether each has listened yet. */
  readonly #running = new Map<Worker, boolean>()
  #hasFirstListened = false
  #failures = 0
  #isStopping = false
  #allEndedWell = true

  constructor(count: number, log: Logger) {
    this.#count = count
    this.#log = log
    this.listening = this.#listening.promise
    this.#fork()
  }

  /** Has them end what they have started. @returns whether all ended well */
  async stop(): Promise<boolean> {
    this.#isStopping = true
    for (const [worker, hasListened] of this.#running) {
      if (hasListened) send(worker, { latchkey: 'stop' })
      // It may not hear messages yet, and Node keeps none for it.
      else worker.process.kill('SIGTERM')
    }
    if (this.#running.size > 0) await this.#allEnded.promise
    return this.#allEndedWell
  }

  /** Ends them at once. */
  kill(): void {
    this.#isStopping = true
    for (const worker of this.#running.keys()) worker.process.kill('SIGKILL')
  }

  /** Has them take the certificate that the files hold now. */
  reloadCertificate(): void {
    for (const worker of this.#running.keys()) send(worker, { latchkey: 'reload' })
  }

  /** Asks each that listens for what it has counted. */
  async readMetrics(): Promise<Answers> {
    const asked = Array.from(this.#running)
      .filter(([, hasListened]) => hasListened)
      .map(async ([worker]) => [worker.id, await readMetricsOf(worker)] as const)
    return new Map(await Promise.all(asked))
  }

  #fork(): void {
    if (this.#isStopping) return
    let worker: Worker
    try {
      worker = cluster.fork()
    } catch (error) {
      this.#restart('A worker could not be started', { err: error })
      return
    }
    const startedAt = performance.now()
    this.#running.set(worker, false)
    worker.on('message', (message: MessageToPrimary) => {
      if (message.latchkey === 'listening') this.#onListening(worker, message.url)
    })
    worker.on('error', (error) => {
      // Of one that runs, its exit is what counts; there is none if no process came to be.
      if (worker.process.pid !== undefined || !this.#remove(worker) || this.#isStopping) return
      this.#restart('A worker could not be started', { err: error })
    })
    worker.once('exit', (status, signal) => {
      const hasListened = this.#running.get(worker) === true
      this.#remove(worker)
      if (performance.now() - startedAt > stableAfterMilliseconds) this.#failures = 0
      this.#onExit(worker, signal ?? status, hasListened)
    })
  }

  #onListening(worker: Worker, url: string): void {
    this.#running.set(worker, true)
    if (!this.#hasFirstListened) {
      this.#hasFirstListened = true
      for (let others = this.#count - 1; others > 0; others -= 1) this.#fork()
    }
    const listening = Array.from(this.#running.values()).filter(Boolean)
    if (listening.length === this.#count) this.#listening.resolve(url)
  }

  #onExit(worker: Worker, status: number | string, hasListened: boolean): void {
    if (this.#isStopping) {
      // One that never listened has started nothing: however it ends, nothing is cut off.
      if (status !== 0 && hasListened) this.#allEndedWell = false
    } else if (this.#hasFirstListened) {
      this.#restart('A worker died', { worker: worker.id, status })
    } else {
      this.#isStopping = true
      this.#listening.reject(new WorkerStartError('The first worker could not start'))
    }
  }

  #restart(what: string, details: object): void {
    const delay = Math.min(this.#failures * restartStepMilliseconds, longestWaitMilliseconds)
    this.#failures += 1
    this.#log.error({ ...details, restartInMilliseconds: delay }, what)
    setTimeout(() => this.#fork(), delay)
  }

  #remove(worker: Worker): boolean {
    const wasRunning = this.#running.delete(worker)
    if (this.#isStopping && this.#running.size === 0) this.#allEnded.resolve()
    return wasRunning
  }
}

/** A worker that is gone does not get the message. */
function send(worker: Worker, message: MessageToWorker): void {
  if (worker.isConnected()) worker.send(message, () => {})
}

/** @returns nothing if the worker dies, or has no time for a response */
function readMetricsOf(worker: Worker): Promise<MetricsSnapshot | undefined> {
  return new Promise((resolve) => {
    const end = (snapshot?: MetricsSnapshot) => {
      clearTimeout(timer)
      worker.off('message', onMessage)
      worker.off('exit', onSilence)
      resolve(snapshot)
    }
    const onMessage = (message: MessageToPrimary) => {
      if (message.latchkey === 'metrics') end(message.snapshot)
    }
    const onSilence = () => end()
    const timer = setTimeout(onSilence, metricsTimeoutMilliseconds)
    worker.on('message', onMessage)
    worker.once('exit', onSilence)
    send(worker, { latchkey: 'readMetrics' })
  })
}
