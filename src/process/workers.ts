/**
 * Several processes that serve on one port of one machine: this one, the primary, starts them, hands
 * them the connections in turn, and restarts those that die. It opens no database itself.
 */
import cluster, { type Worker } from 'node:cluster'
import type { Logger } from '../logging/logger.ts'
import type { Answers } from '../metrics/combined-metrics.ts'
import type { MetricsSnapshot } from '../metrics/metrics.ts'

/** Messages between primary and worker. */
type Message =
  | { readonly latchkey: 'listening'; readonly url: string }
  | { readonly latchkey: 'stop' | 'reload' | 'readMetrics' }
  | { readonly latchkey: 'metrics'; readonly snapshot: MetricsSnapshot }

/** A worker ended before it listened. It has said why itself. */
export class WorkerStartError extends Error {
  override name = 'WorkerStartError'
}

export interface Workers {
  /** Where all of them listen, without a trailing slash; rejects if the first cannot start. */
  readonly listening: Promise<string>
  /** Has them end what they have started. @returns whether all ended well */
  stop(): Promise<boolean>
  /** Ends them at once. */
  kill(): void
  /** Has them take the certificate that the files hold now. */
  reloadCertificate(): void
  /** Asks each that listens for what it has counted. */
  readMetrics(): Promise<Answers>
}

/** A worker that lived this long has started well: the next restart is a first one again. */
const stableAfterMilliseconds = 60_000
const longestRestartDelayMilliseconds = 30_000
/** Well below the ten seconds that Prometheus waits. */
const metricsTimeoutMilliseconds = 2000

/**
 * Starts one worker, which migrates the database, and then the others. They can be stopped meanwhile.
 * `listening` rejects with a WorkerStartError when the first cannot start.
 */
export function startWorkers(count: number, log: Logger): Workers {
  let isStopping = false
  let allEndedWell = true
  /** Whether each has listened yet. */
  const running = new Map<Worker, boolean>()

  /**
   * Keeps one worker running until the stop.
   * @param onListening is called whenever it listens
   * @param onFailure is called, in place of a restart, if it ends before it has ever listened
   */
  const keepRunning = (
    onListening: (url: string) => void,
    onFailure?: (error: WorkerStartError) => void,
  ) => {
    let failures = 0
    const restart = (what: string, details: object) => {
      const delay = restartDelayMilliseconds(failures)
      log.error({ ...details, restartInMilliseconds: delay }, what)
      setTimeout(fork, delay)
    }
    const fork = () => {
      if (isStopping) return
      const startedAt = performance.now()
      let worker: Worker
      try {
        worker = cluster.fork()
      } catch (error) {
        failures += 1
        restart('A worker could not be started', { err: error })
        return
      }
      running.set(worker, false)
      worker.on('message', (message: Message) => {
        if (message.latchkey !== 'listening') return
        running.set(worker, true)
        onListening(message.url)
      })
      worker.on('error', (error) => {
        // Of one that runs, its exit is what counts; there is none if no process came to be.
        if (worker.process.pid !== undefined || !running.delete(worker) || isStopping) return
        failures += 1
        restart('A worker could not be started', { err: error })
      })
      worker.once('exit', (status, signal) => {
        const hasListened = running.get(worker)
        running.delete(worker)
        if (isStopping) {
          // One that never listened has started nothing: however it ends, nothing is cut off.
          if (status !== 0 && hasListened === true) allEndedWell = false
          return
        }
        if (onFailure && failures === 0 && hasListened === false) {
          isStopping = true
          onFailure(new WorkerStartError('The first worker could not start'))
          return
        }
        failures = performance.now() - startedAt > stableAfterMilliseconds ? 1 : failures + 1
        restart('A worker died', { worker: worker.id, status: signal ?? status })
      })
    }
    fork()
  }

  const startAll = async (): Promise<string> => {
    const url = await new Promise<string>((resolve, reject) => {
      keepRunning(resolve, reject)
    })
    const others = Array.from(
      { length: count - 1 },
      () => new Promise<string>((resolve) => keepRunning(resolve)),
    )
    await Promise.all(others)
    return url
  }
  return {
    listening: startAll(),
    stop: async () => {
      isStopping = true
      const ended = Array.from(running.keys(), endOf)
      for (const [worker, hasListened] of running) {
        if (hasListened) send(worker, { latchkey: 'stop' })
        // It may not hear messages yet, and Node keeps none for it.
        else worker.process.kill('SIGTERM')
      }
      await Promise.all(ended)
      return allEndedWell
    },
    kill: () => {
      isStopping = true
      for (const worker of running.keys()) worker.process.kill('SIGKILL')
    },
    reloadCertificate: () => {
      for (const worker of running.keys()) send(worker, { latchkey: 'reload' })
    },
    readMetrics: async () => {
      const asked = Array.from(running)
        .filter(([, hasListened]) => hasListened)
        .map(async ([worker]) => [worker.id, await readMetricsOf(worker)] as const)
      return new Map(await Promise.all(asked))
    },
  }
}

/** Resolves when the worker has ended, or no process has come to be for it. */
function endOf(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve())
    worker.on('error', () => {
      if (worker.process.pid === undefined) resolve()
    })
  })
}

/** @param onFailure is called if the worker is gone */
function send(worker: Worker, message: Message, onFailure = () => {}): void {
  if (!worker.isConnected()) return onFailure()
  worker.send(message, (error: Error | null) => {
    if (error) onFailure()
  })
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
    const onMessage = (message: Message) => {
      if (message.latchkey === 'metrics') end(message.snapshot)
    }
    const onSilence = () => end()
    const timer = setTimeout(onSilence, metricsTimeoutMilliseconds)
    worker.on('message', onMessage)
    worker.once('exit', onSilence)
    send(worker, { latchkey: 'readMetrics' }, onSilence)
  })
}

/** At once after a first death; then longer and longer, up to half a minute. */
function restartDelayMilliseconds(failures: number): number {
  return failures <= 1 ? 0 : Math.min(longestRestartDelayMilliseconds, 500 * 2 ** (failures - 2))
}

/** What a worker does for its primary. */
export interface WorkerHandlers {
  stop(): void
  reloadCertificate(): void
  readMetrics(): Promise<MetricsSnapshot>
}

/** In a worker: obeys the primary. Without it the process ends by itself. */
export function handlePrimaryMessages(worker: WorkerHandlers): void {
  process.on('message', (message: Message) => {
    if (message.latchkey === 'stop') worker.stop()
    if (message.latchkey === 'reload') worker.reloadCertificate()
    if (message.latchkey === 'readMetrics') {
      void worker.readMetrics().then((snapshot) => tellPrimary({ latchkey: 'metrics', snapshot }))
    }
  })
}

/** In a worker: notifies the primary that it listens. */
export function announceListening(url: string): void {
  tellPrimary({ latchkey: 'listening', url })
}

/** Where there is no primary any more, the process is about to end. */
function tellPrimary(message: Message): void {
  cluster.worker?.send(message, () => {})
}
