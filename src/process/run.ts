/** Reads the environment, starts the server or its workers, stops them on signals. */
import cluster from 'node:cluster'
import { createApp, type App } from '../app.ts'
import { describeStart } from './banner.ts'
import { misspelledVariables } from '../config/misspelled.ts'
import { ConfigError, type Config } from '../config/config.ts'
import { exposedFiles } from './file-exposure.ts'
import { createLogger } from '../logging/logger.ts'
import { listenForMetrics } from '../metrics/metrics-server.ts'
import { CombinedMetrics } from '../metrics/combined-metrics.ts'
import type { MetricsSnapshot } from '../metrics/metrics.ts'
import { loadEnvFile, loadSettings } from './settings.ts'
import { describeStartError } from './start-error.ts'
import { Workers, WorkerStartError } from './primary.ts'
import { announceListening, handlePrimaryMessages } from './worker.ts'

/** What a stop may take before it is forced. */
const stopTimeoutMilliseconds = 9000
/** The primary gives its workers the time to force their own. */
const primaryStopTimeoutMilliseconds = 9500

interface Running {
  /** Ends what has started. @returns the exit status */
  stop(): Promise<number>
  /** Ends it at once. */
  kill(): void
  /** Takes the certificate that the files hold now. */
  reloadCertificate(): void
  /** What this process has counted, as a worker. */
  readMetrics(): Promise<MetricsSnapshot>
}

type Settings = Config & { readonly appSecret: string }

/** This process is the server, or one of its workers. */
async function serve(settings: Settings): Promise<void> {
  // What has not listened has started nothing, and a migration is a transaction: it ends at once.
  const starting: { app?: App } = {}
  stopOnSignals(
    {
      stop: async () => {
        await starting.app?.close()
        return 0
      },
      kill: () => {},
      reloadCertificate: () => starting.app?.reloadCertificate(),
      readMetrics: async () => (await starting.app?.readMetrics()) ?? [],
    },
    settings,
  )
  const app = await createApp(settings)
  starting.app = app
  if (cluster.isWorker) announceListening(app.url)
  else announce(settings, app.url, app.metricsUrl)
  // After an uncaught exception the state is unknown: exit, and let the supervisor restart the server.
  process.on('uncaughtException', (error) => {
    app.log.fatal({ err: error }, 'Uncaught exception')
    process.exit(1)
  })
}

/** This process starts the workers and keeps them running. */
async function supervise(settings: Settings): Promise<void> {
  const workers = new Workers(settings.workers, createLogger(settings.logLevel))
  stopOnSignals(
    {
      stop: async () => ((await workers.stop()) ? 0 : 1),
      kill: () => workers.kill(),
      reloadCertificate: () => workers.reloadCertificate(),
      readMetrics: async () => [],
    },
    settings,
  )
  const [url, metrics] = await Promise.all([
    workers.listening,
    settings.metrics &&
      listenForMetrics(new CombinedMetrics(() => workers.readMetrics()), settings.metrics),
  ])
  announce(settings, url, metrics?.url)
}

function announce(settings: Settings, url: string, metricsUrl: string | undefined): void {
  const warnings = [...unread, ...misspelledVariables(process.env), ...exposedFiles(settings)]
  console.log(describeStart(settings, url, metricsUrl, warnings))
}

/** Stops on the first signal or order of the primary; a second signal does not wait. */
function stopOnSignals(running: Running, { logLevel, tls }: Settings): void {
  // The primary speaks for its workers.
  const log = cluster.isWorker ? undefined : createLogger(logLevel)
  const timeout = cluster.isWorker ? stopTimeoutMilliseconds : primaryStopTimeoutMilliseconds
  let isStopping = false
  const force = () => {
    log?.warn('Stopped by force: what was under way is lost')
    running.kill()
    process.exit(1)
  }
  const stop = (signal?: NodeJS.Signals) => {
    if (isStopping) return
    isStopping = true
    log?.info({ signal }, 'Stopping: requests under way are finished')
    setTimeout(force, timeout).unref()
    running.stop().then(
      (status) => {
        log?.info({ status }, 'Stopped')
        process.exit(status)
      },
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  // A signal to the whole group reaches the workers, and the primary notifies them once more: it is the
  // primary, too, that forces them.
  const onSignal = (signal: NodeJS.Signals) =>
    isStopping && !cluster.isWorker ? force() : stop(signal)
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  if (cluster.isWorker) handlePrimaryMessages({ ...running, stop: () => stop() })
  // Without a certificate the end of a terminal ends the server, as that of any other program.
  if (tls) process.on('SIGHUP', () => running.reloadCertificate())
}

/** What `.env` sets and nothing reads. */
let unread: readonly string[] = []

/** Starts the server or its workers. Ends the process with status 1 if it cannot. */
export async function run(): Promise<void> {
  try {
    // Database, write-ahead log and secret are their owner's alone.
    process.umask(0o077)
    unread = loadEnvFile()
    const settings = loadSettings(process.env)
    const isSupervisor = settings.workers > 1 && !cluster.isWorker
    await (isSupervisor ? supervise(settings) : serve(settings))
  } catch (error) {
    if (!(error instanceof WorkerStartError)) console.error(describeStartError(error))
    if (error instanceof ConfigError) {
      const hints = [...unread, ...misspelledVariables(process.env)]
      if (hints.length > 0) console.error(hints.map((hint) => `  ${hint}`).join('\n'))
    }
    process.exit(1)
  }
}
