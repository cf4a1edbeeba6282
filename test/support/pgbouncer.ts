/** A real PgBouncer in front of a PostgreSQL server, with its defaults but for the pool mode. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

const isRoot = process.getuid?.() === 0
export interface Pgbouncer {
  /** Of the server's database, through the pooler. */
  readonly url: string
  /** The folder of its Unix socket. */
  readonly socketFolder: string
  stop(): Promise<void>
}

/**
 * @param serverUrl of a server that wants a password
 * @param settings lines of its section `[pgbouncer]`
 * @param databases lines of its section `[databases]`; HOST stands for the server
 */
export async function startPgbouncer(
  serverUrl: string,
  settings: readonly string[],
  databases: readonly string[] = [],
): Promise<Pgbouncer> {
  const server = new URL(serverUrl)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'))
  // It refuses to run as root, and the user that it becomes has to get in.
  chmodSync(folder, 0o777)
  const port = await freePort()
  const host = `host=${server.hostname} port=${server.port}`
  const users = join(folder, 'users.txt')
  writeFileSync(users, `"${server.username}" "${server.password}"\n`)
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(
    file,
    [
      '[databases]',
      ...databases.map((line) => line.replace('HOST', host)),
      `* = ${host}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      `unix_socket_dir = ${folder}`,
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      ...settings,
      '',
    ].join('\n'),
  )
  const child = spawn('pgbouncer', [...(isRoot ? ['--user=nobody'] : []), file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise((resolve) => {
    child.once('close', resolve)
  })
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('process up')) resolve()
    })
    child.once('error', reject)
    child.once('close', () => reject(new Error(`PgBouncer did not start:\n${log}`)))
  })
  return {
    url: Object.assign(new URL(serverUrl), { port }).href,
    socketFolder: folder,
    stop: async () => {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
