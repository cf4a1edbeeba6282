import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type Client } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { sum } from './figures.ts'
import type { Scenario } from './lab.ts'

const clients = 8
/** Longer than the proxy, which asks every 200 ms and believes the first response, takes to notice. */
const env = { SHUTDOWN_DELAY: '3s', TRUST_PROXY: '1' }

export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  shows: 'Two instances behind haproxy, restarted in turn under load: no request fails.',
  engines: ['postgresql', 'sqlite'],
  // Requests, not restarts.
  rounds: { short: 400, long: 50_000 },
  needs: ['haproxy'],
  async run(lab) {
    const database = await lab.createDatabase()
    const instances = [await lab.start(database, { env }), await lab.start(database, { env })]
    const url = await startProxy(
      instances.map(({ port }) => port),
      (stop) => lab.onEnd(stop),
    )
    const violations: string[] = []
    const requests = Array.from({ length: clients }, () => 0)
    let restarts = 0
    const over = new AbortController()
    const load = requests.map(async (_, index) => {
      const client = createClient(url)
      const person = await client.register()
      const use = userOf(client, person)
      while (!over.signal.aborted) {
        requests[index]! += 1
        const failure = await use(lab.random.next())
        if (failure !== undefined) violations.push(failure)
      }
    })
    // At least once each, and as long as there are requests to be made.
    for (let turn = 0; restarts < 2 || sum(requests) < lab.rounds; turn = 1 - turn) {
      const status = await instances[turn]!.stop()
      if (status !== 0) violations.push(`a stopped instance ends with ${status}`)
      instances[turn] = await lab.start(database, { port: instances[turn]!.port, env })
      restarts += 1
      await untilServers(url, 2)
      lab.progress(`${sum(requests)} of ${lab.rounds} requests, ${restarts} restarts`)
    }
    over.abort()
    await Promise.all(load)
    return { counts: { requests: sum(requests), restarts, failed: violations.length }, violations }
  },
}

/** What a user does: mostly reads, a refresh now and then, a sign-in seldom. @returns what went wrong */
function userOf(client: Client, person: { email: string; password: string } & Tokens) {
  let { accessToken, refreshToken } = person
  return async (random: number): Promise<string | undefined> => {
    try {
      const kind = random < 0.8 ? 'me' : random < 0.97 ? 'refreshToken' : 'login'
      const answer = await (kind === 'me'
        ? client.as(accessToken).send('{ me { email } }')
        : kind === 'login'
          ? client.login(person.email, person.password)
          : client.refresh(refreshToken))
      if (answer.status !== 200 || answer.errors) return `${kind}: ${answer.status} ${answer.text}`
      if (kind !== 'me') ({ accessToken, refreshToken } = answer.data[kind])
      return undefined
    } catch (error) {
      const { message, cause } = error as Error
      return `no answer: ${message} ${cause instanceof Error ? cause.message : ''}`
    }
  }
}

interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string
}

async function startProxy(
  ports: readonly number[],
  onEnd: (stop: () => unknown) => void,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-torture-proxy-'))
  const port = await freePort()
  writeFileSync(
    join(folder, 'haproxy.cfg'),
    `defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout check 10s
  option forwardfor
  # A connection that is refused was not served: the other instance may have the request.
  option redispatch
  retries 3
frontend public
  bind 127.0.0.1:${port}
  # How many instances it sends requests to.
  http-request return status 200 content-type text/plain lf-string "%[nbsrv(latchkey)]" if { path /servers }
  default_backend latchkey
backend latchkey
  balance roundrobin
  option httpchk GET /health/ready
  default-server check inter 200ms fall 3 rise 1
${ports.map((each, index) => `  server instance${index} 127.0.0.1:${each}`).join('\n')}
`,
  )
  const proxy = spawn('haproxy', ['-f', join(folder, 'haproxy.cfg'), '-db'], { stdio: 'ignore' })
  onEnd(() => {
    proxy.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const url = `http://127.0.0.1:${port}`
  await untilServers(url, ports.length)
  return url
}

async function untilServers(url: string, count: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const answer = await fetch(`${url}/servers`).catch(() => undefined)
    if (Number(await answer?.text()) === count) return
    await sleep(50)
  }
  throw new Error(`haproxy does not find ${count} instances ready`)
}
