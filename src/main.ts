/** Reads the environment, starts the server, stops it on signals. */
import { createApp } from './app.ts'
import { describeStart } from './banner.ts'
import { loadEnvFile, loadSettings } from './settings.ts'
import { describeStartError } from './start-error.ts'

/** What a stop may take before it is forced. */
const stopTimeoutMilliseconds = 9000

/** @returns what stops the server */
async function start(): Promise<() => Promise<void>> {
  // Database, write-ahead log and secret are their owner's alone.
  process.umask(0o077)
  loadEnvFile()
  const settings = loadSettings(process.env)
  const app = await createApp(settings)
  console.log(describeStart(settings, app.url))
  // A state that nobody foresaw is left by a restart.
  process.on('uncaughtException', (error) => {
    app.log.fatal({ err: error }, 'Uncaught exception')
    process.exit(1)
  })
  return () => app.close()
}

try {
  const stop = await start()
  let isStopping = false
  const onSignal = () => {
    // A second signal does not wait.
    if (isStopping) process.exit(1)
    isStopping = true
    setTimeout(() => process.exit(1), stopTimeoutMilliseconds).unref()
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
} catch (error) {
  console.error(describeStartError(error))
  process.exit(1)
}
