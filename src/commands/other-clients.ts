/** The clients that are connected to the PostgreSQL database while a command wants it for itself. */
import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import { CommandError } from './run.ts'

/** A client that has just gone may still be listed. */
const attempts = 10
const attemptMilliseconds = 100

interface OtherClients {
  readonly application: string
  readonly role: string
  readonly address: string | null
  readonly count: number
}

/** @throws CommandError that names them */
export async function refuseOtherClients(database: Database): Promise<void> {
  let others: OtherClients[] = []
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (attempt > 0) await wait(attemptMilliseconds)
    others = await readOtherClients(database)
    if (others.length === 0) return
  }
  throw new CommandError(
    `Other clients are connected to the database: ${others.map(describe).join('; ')}.
Stop the servers and whatever else uses it, or add --force to restore it under them.`,
  )
}

/** The server's own processes have no role. A connection that a pooler has reset belongs to no client. */
async function readOtherClients({ kysely }: Database): Promise<OtherClients[]> {
  const { rows } = await sql<OtherClients>`
    select application_name as application, usename as role, host(client_addr) as address,
      count(*)::int as count
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and usename is not null
      and coalesce(backend_type, 'client backend') = 'client backend'
      and coalesce(query, '') !~* '^\\s*discard\\s+all'
    group by 1, 2, 3 order by 1, 2, 3`.execute(kysely)
  return rows
}

function describe({ address, application, count, role }: OtherClients): string {
  const name = application === '' ? 'a client without a name' : application
  const from = address === null ? '' : ` from ${address}`
  return `${name} (role ${role}${from}, ${count} ${count === 1 ? 'connection' : 'connections'})`
}
