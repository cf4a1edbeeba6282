/**
 * A PostgreSQL server with its own client programs: pg_dump wants them of one version, and the server
 * from npm has none. Debian's package `postgresql` has both.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

export interface PostgresqlInstallation {
  /** Where initdb, postgres, psql, pg_dump and pg_restore are. */
  readonly folder: string
}

/** The newest installation of this machine; undefined where there is none. */
export function findPostgresqlInstallation(): PostgresqlInstallation | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian)
    ? readdirSync(debian).toSorted((one, other) => Number(other) - Number(one))
    : []
  const configured = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim()
  const folders = [...versions.map((version) => join(debian, version, 'bin')), configured ?? '']
  const folder = folders.find((candidate) =>
    ['initdb', 'postgres', 'psql', 'pg_dump', 'pg_restore'].every((program) =>
      existsSync(join(candidate, program)),
    ),
  )
  return folder === undefined || folder === '' ? undefined : { folder }
}

export interface LocalPostgresql {
  readonly url: string
  stop(): Promise<void>
}

export async function startInstalledPostgresql({
  folder,
}: PostgresqlInstallation): Promise<LocalPostgresql> {
  const home = mkdtempSync(join(tmpdir(), 'latchkey-installed-postgresql-'))
  const identity = process.getuid?.() === 0 ? identityOf('postgres') : undefined
  if (identity) chownSync(home, identity.uid, identity.gid)
  const data = join(home, 'data')
  const options = { ...identity, cwd: home, env: { PATH: process.env['PATH'], LC_ALL: 'C' } }
  execFileSync(
    join(folder, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-sync'],
    { ...options, stdio: 'pipe' },
  )
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const child = spawn(
    join(folder, 'postgres'),
    ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = new Promise((resolve) => {
    child.once('close', resolve)
  })
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('ready to accept connections')) resolve()
    })
    child.once('error', reject)
    child.once('close', () => reject(new Error(`PostgreSQL did not start:\n${log}`)))
  })
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      child.kill('SIGINT')
      await ended
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL refuses to run as root. */
function identityOf(user: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
