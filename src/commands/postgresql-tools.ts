/** PostgreSQL's own programs, on the database of DATABASE_URL. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import type { PostgresqlServer } from '../config/database.ts'
import { addressOf } from '../database/postgresql-url.ts'
import { CommandError } from './run.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What libpq reads: the address is not for other users of this machine to see in the list of processes. */
export function libpqEnvironment({ tls, url }: PostgresqlServer): Environment {
  const { applicationName, database, host, password, port, user } = addressOf(url)
  const mode = tls?.mode ?? 'disable'
  const given = {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
    PGAPPNAME: applicationName,
    PGSSLMODE: mode,
    PGSSLROOTCERT: tls?.rootCertificateFile ?? (mode === 'verify-full' ? 'system' : ''),
    PGSSLCERT: tls?.client?.certificateFile ?? '',
    PGSSLKEY: tls?.client?.keyFile ?? '',
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
}

export function startTool(
  program: string,
  args: readonly string[],
  server: PostgresqlServer,
  stdio: StdioOptions,
): ChildProcess {
  return spawn(program, args, {
    stdio,
    env: { PATH: process.env['PATH'], ...libpqEnvironment(server) },
  })
}

/** A text as SQL has it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** @throws CommandError if the program is not there, or says that it has failed */
export async function waitForTool(program: string, child: ChildProcess): Promise<void> {
  const status = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? new CommandError(
              `${program} is needed: install PostgreSQL's client programs, of the server's version or newer.`,
            )
          : error,
      ),
    )
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  if (status !== 0) throw new CommandError(`${program} has failed (${status}).`)
}
