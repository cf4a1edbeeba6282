/** nginx and HAProxy as docs/guides/proxy/ has them, on ports of this machine. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Certificate } from './certificates.ts'
import { freePort } from './free-port.ts'
import { findProgram } from './programs.ts'
import { temporaryFolder } from './process.ts'

export type ProxyName = 'nginx' | 'haproxy'

export const proxies: readonly ProxyName[] = ['nginx', 'haproxy']
/** The host in the files. */
export const proxiedHost = 'auth.example.com'

const files = fileURLToPath(new URL('../../docs/guides/proxy/', import.meta.url))

export interface Proxy {
  readonly httpPort: number
  readonly httpsPort: number
  stop(): Promise<void>
}

/**
 * Starts a proxy with its file, in which only addresses, ports and paths are changed, and how long HAProxy
 * waits for the response to a check: in the file that is the second between two of them, and where the servers
 * of a test stood still that long, it would have none. Who refuses the connection is as gone as before.
 * @param upstreams the ports of the two servers behind it
 * @param more what else a test changes in the file
 */
export async function startProxy(
  name: ProxyName,
  upstreams: readonly [number, number],
  { certificate, key }: Pick<Certificate, 'certificate' | 'key'>,
  more: readonly [from: string, to: string][] = [],
): Promise<Proxy> {
  const folder = mkdtempSync(join(temporaryFolder(), `${name}-`))
  const path = (file: string) => join(folder, file)
  const [httpPort, httpsPort] = [await freePort(), await freePort()]
  writeFileSync(path('fullchain.pem'), certificate)
  writeFileSync(path('privkey.pem'), key)
  writeFileSync(path('both.pem'), `${certificate}\n${key}`)
  const replace = (text: string, changes: readonly [string, string][]) =>
    changes.reduce((changed, [from, to]) => {
      if (!changed.includes(from)) throw new Error(`${name}'s file has no ${from}`)
      return changed.replace(from, to)
    }, text)
  const servers: [string, string][] = [
    ['10.0.0.11:4000', `127.0.0.1:${upstreams[0]}`],
    ['10.0.0.12:4000', `127.0.0.1:${upstreams[1]}`],
  ]
  const program = findProgram(name)!
  let child: ChildProcess
  if (name === 'nginx') {
    const site = replace(readFileSync(join(files, 'nginx.conf'), 'utf8'), [
      ...servers,
      ['listen 80;', `listen 127.0.0.1:${httpPort};`],
      ['listen 443 ssl', `listen 127.0.0.1:${httpsPort} ssl`],
      ['/etc/ssl/auth.example.com/fullchain.pem', path('fullchain.pem')],
      ['/etc/ssl/auth.example.com/privkey.pem', path('privkey.pem')],
      ...more,
    ])
    mkdirSync(path('temporary'))
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${path(`temporary/${kind}`)};`,
    )
    writeFileSync(
      path('nginx.conf'),
      `daemon off; pid ${path('pid')}; worker_processes 1; events {}
      ${process.getuid?.() === 0 ? 'user root;' : ''}
      http { access_log off; ${temporary.join(' ')}\n${site} }`,
    )
    child = spawn(program, ['-c', path('nginx.conf'), '-p', folder, '-e', 'stderr'])
  } else {
    writeFileSync(
      path('haproxy.cfg'),
      replace(readFileSync(join(files, 'haproxy.cfg'), 'utf8'), [
        ...servers,
        ['bind :80', `bind 127.0.0.1:${httpPort}`],
        ['bind :443', `bind 127.0.0.1:${httpsPort}`],
        ['/etc/haproxy/auth.example.com.pem', path('both.pem')],
        ['default-server check', 'timeout check 20s\n    default-server check'],
        ...more,
      ]),
    )
    child = spawn(program, ['-db', '-f', path('haproxy.cfg')])
  }
  let output = ''
  child.stdout!.on('data', (text) => (output += text))
  child.stderr!.on('data', (text) => (output += text))
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  while (!(await accepts(httpsPort))) {
    if (!isRunning()) throw new Error(`${name} did not start:\n${output}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
  return {
    httpPort,
    httpsPort,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
