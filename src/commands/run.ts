/** What every operator's command does around its own work. */
import { loadEnvFile } from '../process/settings.ts'

/** The command line is wrong, or names what is not there; the message says so. */
export class CommandError extends Error {
  override name = 'CommandError'
}

/**
 * Runs a command to its end: what it returns is printed, a failure becomes exit status 1.
 * @param usage what `--help` prints
 */
export async function run(command: () => Promise<string>, usage?: string): Promise<void> {
  process.umask(0o077)
  if (usage !== undefined && process.argv.slice(2).some(asksForHelp)) {
    console.log(usage)
    return
  }
  try {
    loadEnvFile()
    console.log(await command())
  } catch (error) {
    process.exitCode = 1
    console.error(error instanceof CommandError ? error.message : await describe(error))
  }
}

function asksForHelp(argument: string): boolean {
  return argument === '--help' || argument === '-h'
}

/** Loads what knows every error, half of the server, only when there is one. */
async function describe(error: unknown): Promise<string> {
  const { describeOperatorError } = await import('../process/start-error.ts')
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return describeOperatorError(error) ?? stack
}
