/**
 * A PostgreSQL server with its own client programs: pg_dump must be of the server's version, and the server from npm
 * has none. Debian's package `postgresql` has both.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from './programs.ts'

export interface PostgresqlInstallation {
  /** Where initdb, postgres, psql, pg_dump and pg_restore are. */
  readonly folder: string
}

const programs = ['initdb', 'postgres', 'psql', 'pg_dump', 'pg_restore']
/** Debian has only wrappers of the clients on PATH. */
const debian = '/usr/lib/postgresql'

/** The installation that `psql` on PATH belongs to; undefined when there is none. */
export function findPostgresqlInstallation(): PostgresqlInstallation | undefined {
  if (findProgram('psql') === undefined) return undefined
  const versions = existsSync(debian)
    ? readdirSync(debian).toSorted((one, other) => Number(other) - Number(one))
    : []
  const onPath = findProgram('initdb')
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(onPath === undefined ? [] : [join(onPath, '..')]),
  ]
  const folder = folders.find((candidate) =>
    programs.every((program) => existsSync(join(candidate, program))),
  )
  return folder === undefined ? undefined : { folder }
}
