/** An operator's command, run as its own process on the database of a running server. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileCache } from './environment.ts'
import { boundByModes } from './process.ts'
import { testAppSecret, type Environment } from './server.ts'

export interface CommandResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const commands = fileURLToPath(new URL('../../dist/commands/', import.meta.url))

type CommandName = 'user' | 'keys' | 'events' | 'db-migrate' | 'db-backup' | 'db-restore'

export interface StartedCommand {
  readonly child: ChildProcess
  readonly result: Promise<CommandResult>
}

interface CommandOptions {
  /** File modes bind it even when the tests run as root, which takes setpriv. */
  readonly isBound?: boolean
}

/**
 * Starts what `npm run <name> -- <args>` starts.
 * @param env instead of the tests' defaults; the environment of the test itself is not handed on
 * @param input what the command reads from standard input
 */
function startCommand(
  name: CommandName,
  args: readonly string[],
  env: Environment,
  input = '',
  options: CommandOptions = {},
): StartedCommand {
  // A folder without .env.
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-command-'))
  const command = [process.execPath, join(commands, `${name}.js`), ...args]
  if (options.isBound === true) command.unshift(...boundByModes())
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCache, ...env },
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  // A command that reads no input may be gone before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const result = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
    .then((status) => ({
      status,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    }))
    .finally(() => rmSync(cwd, { recursive: true, force: true }))
  return { child, result }
}

/** Runs it to its end. */
function runCommand(...command: Parameters<typeof startCommand>): Promise<CommandResult> {
  return startCommand(...command).result
}

/** The operator's shell next to a server: its commands, on the server's database. */
export function operatorOf(
  server: { readonly database: { readonly url: string } },
  env = {},
  options: CommandOptions = {},
) {
  const environment: Environment = {
    DATABASE_URL: server.database.url,
    APP_SECRET: testAppSecret,
    BCRYPT_COST: '4',
    ...env,
  }
  return {
    user: (args: readonly string[], input?: string) =>
      runCommand('user', args, environment, input, options),
    keys: (args: readonly string[]) => runCommand('keys', args, environment, '', options),
    events: (args: readonly string[]) => runCommand('events', args, environment, '', options),
    migrate: (args: readonly string[] = []) =>
      runCommand('db-migrate', args, environment, '', options),
    backup: (...args: string[]) => runCommand('db-backup', args, environment, '', options),
    restore: (...args: string[]) => runCommand('db-restore', args, environment, '', options),
    startRestore: (...args: string[]) => startCommand('db-restore', args, environment, '', options),
  }
}
