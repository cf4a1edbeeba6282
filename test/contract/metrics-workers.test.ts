// What Prometheus gets of several workers: one listener, that of their primary, counts them all.
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createClient } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { eventually } from '../support/patience.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'

const sources = 'src'
const bundle = join(fileURLToPath(new URL('../..', import.meta.url)), 'dist', 'main.js')

async function start(env: Readonly<Record<string, string>> = {}, main = bundle) {
  const server = startProcess(
    temporaryFolder(),
    { WORKERS: '2', METRICS_PORT: '0', BCRYPT_COST: '4', THROTTLE: 'off', ...env },
    main === sources ? {} : { main },
  )
  const url = await server.ready
  const address = /Metrics +(\S+)/.exec(server.stdout())![1]!
  const scrape = async () => {
    const response = await fetch(address)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    return response.text()
  }
  /** Until each worker has been heard: one that is held up is left out at first. */
  const scrapeAll = () =>
    eventually(async () => {
      const text = await scrape()
      expect(sumOf(text, 'latchkey_workers')).toBe(2)
      return text
    })
  /** Process ids of the workers that have answered a request. */
  const answering = () => {
    const requests = server.log().filter((line) => line['msg'] === 'request')
    return new Set(requests.map((line) => line['pid'] as number))
  }
  // Each request on a connection of its own, so that the workers take turns.
  return {
    ...server,
    client: createClient(url, { connection: 'close' }),
    scrape,
    scrapeAll,
    answering,
  }
}

/** The sum of a metric's samples. */
function sumOf(text: string, name: string): number {
  const samples = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return samples.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

describe('metrics of workers', () => {
  it.each([
    ['the sources', sources],
    ['the compiled server', bundle],
  ])('count what all of them do, in %s', async (_, main) => {
    const server = await start({}, main)
    const { email, password } = await server.client.register()
    for (let count = 0; count < 7; count++) await server.client.login(email, password)
    for (let count = 0; count < 4; count++) await server.client.login(email, 'wrong')
    await eventually(() => expect(server.answering().size).toBe(2))

    const text = await server.scrapeAll()
    expect(sumOf(text, 'latchkey_sign_ins_total')).toBe(8)
    expect(sumOf(text, 'latchkey_sign_in_failures_total')).toBe(4)
    expect(sumOf(text, 'latchkey_http_request_duration_seconds_count')).toBe(12)
    expect(sumOf(text, 'latchkey_hash_wait_seconds_count')).toBe(12)
    expect(text).toMatch(/^latchkey_hash_queue_depth 0$/m)
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m)
    expect(text.match(/^# TYPE latchkey_sign_ins_total counter$/gm)).toHaveLength(1)
    expect(server.stderr()).toBe('')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it('lose nothing that was shown when a worker is killed, and count the one that takes its place', async () => {
    const server = await start()
    const { email, password } = await server.client.register()
    for (let count = 0; count < 5; count++) await server.client.login(email, password)
    await eventually(() => expect(server.answering().size).toBe(2))
    const before = await server.scrapeAll()
    expect(sumOf(before, 'latchkey_sign_ins_total')).toBe(6)

    const [killed] = server.answering()
    process.kill(killed!, 'SIGKILL')
    // Asked while the primary may or may not know of it.
    const meanwhile = await Promise.all([server.scrape(), server.scrape(), server.scrape()])
    for (const text of meanwhile) expect(sumOf(text, 'latchkey_sign_ins_total')).toBe(6)
    await eventually(async () => {
      expect(server.stdout()).toContain('A worker died')
      expect(sumOf(await server.scrape(), 'latchkey_workers')).toBe(2)
    })
    for (let count = 0; count < 4; count++) await server.client.login(email, password)
    // One that is held up is counted as it was last seen.
    await eventually(async () => {
      const after = await server.scrape()
      expect(sumOf(after, 'latchkey_sign_ins_total')).toBe(10)
      expect(sumOf(after, 'latchkey_http_request_duration_seconds_count')).toBe(10)
    })
    expect(server.stderr()).toBe('')
  })

  it('come without a worker that has no time to answer, as it was last seen', async () => {
    const server = await start()
    const { email, password } = await server.client.register()
    for (let count = 0; count < 5; count++) await server.client.login(email, password)
    await eventually(() => expect(server.answering().size).toBe(2))
    await server.scrapeAll()
    const [stopped] = server.answering()
    process.kill(stopped!, 'SIGSTOP')
    try {
      expect(sumOf(await server.scrape(), 'latchkey_sign_ins_total')).toBe(6)
    } finally {
      process.kill(stopped!, 'SIGCONT')
    }
    expect(sumOf(await server.scrape(), 'latchkey_sign_ins_total')).toBe(6)
  })

  it('keep the server from starting where their port is taken', async () => {
    const port = String(await freePort())
    await start({ METRICS_PORT: port, WORKERS: '1' })
    const second = startProcess(
      temporaryFolder(),
      { WORKERS: '2', METRICS_PORT: port },
      { main: bundle },
    )
    expect(await second.ended).toBe(1)
    expect(second.stderr()).toContain(`port ${port} of 127.0.0.1 is in use`)
    expect(second.stdout()).not.toContain('listening on')
  })
})
