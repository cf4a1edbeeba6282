// Security case REL-10: not ready first, then no new connections; what is in flight is answered.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createApp } from '../../src/app.ts'
import { PasswordHasher } from '../../src/features/passwords/password-hasher.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { createClient } from '../support/client.ts'
import { startProcess, temporaryFolder } from '../support/process.ts'
import { openSocket, readUntilClosed } from '../support/raw-http.ts'
import { startServer, testAppSecret } from '../support/server.ts'

const quiet = { LOG_LEVEL: 'warn', BCRYPT_COST: '4', THROTTLE: 'off' }
const patient = { interval: 10 }
/** For what has to be noticed at once, since the server is about to end. */
const hasty = { interval: 1 }

interface Reply {
  readonly status: number
  readonly connection: string | undefined
}

/** One request on a connection of the agent's. */
function ask(url: string, agent: Agent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      response.resume()
      response.on('end', () =>
        resolve({ status: response.statusCode!, connection: response.headers.connection }),
      )
    })
    request.on('error', reject)
  })
}

/** Whether a connection is accepted. */
function isOpen(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

it('a stop of which one step fails takes the others, and says which', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'latchkey.db')
  const app = await createApp(
    loadSettings({
      PORT: '0',
      LOG_LEVEL: 'silent',
      DATABASE_URL: `sqlite:${file}`,
      APP_SECRET: testAppSecret,
    }),
  )
  expect((await fetch(`${app.url}/health/ready`)).status).toBe(200)
  expect(existsSync(`${file}-wal`)).toBe(true)
  const close = vi.spyOn(PasswordHasher.prototype, 'close').mockRejectedValue(new Error('stuck'))
  onTestFinished(() => close.mockRestore())
  await expect(app.close()).rejects.toMatchObject({
    message: 'Could not close: passwords',
    cause: { message: 'stuck' },
  })
  await expect(fetch(`${app.url}/health/ready`)).rejects.toThrow('fetch failed')
  // Which SQLite removes when the last one closes the database.
  expect(existsSync(`${file}-wal`)).toBe(false)
})

it('a stop still answers what comes on a connection a moment later', async () => {
  // A stop waits a tenth of that for what is on its way.
  const server = await startServer({}, { requestTimeoutMilliseconds: 200_000 })
  const socket = openSocket(server.url, 'GET /health/live HTTP/1.1\r\n')
  const closed = readUntilClosed(socket)
  await once(socket, 'connect')
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
  const stopped = server.close()
  // From now on no one else is let in.
  await expect.poll(() => isOpen(server.url), hasty).toBe(false)
  socket.write('Host: a\r\n\r\n')
  expect((await closed).status).toBe(200)
  await stopped
})

describe('SIGTERM', () => {
  it('makes the server say that it is not ready, while it continues serving', async () => {
    const server = startProcess(temporaryFolder(), { ...quiet, SHUTDOWN_DELAY: '3s' })
    const client = createClient(await server.ready)
    const { accessToken, email, password } = await client.register()
    const readiness = async () => (await fetch(`${client.url}/health/ready`)).status
    expect(await readiness()).toBe(200)
    server.child.kill('SIGTERM')
    await expect.poll(readiness, hasty).toBe(503)
    // It lives, and takes what a proxy sends until it has noticed. All at once: there are three seconds.
    const [live, me, login] = await Promise.all([
      fetch(`${client.url}/health/live`),
      client.as(accessToken).send('{ me { email } }'),
      client.login(email, password),
    ])
    expect(live.status).toBe(200)
    expect(me.data).toEqual({ me: { email } })
    expect(login.errors).toBeUndefined()
    expect(await server.ended).toBe(0)
    expect(server.stderr()).toBe('')
  })

  it('lets clients that keep connections open another one elsewhere', async () => {
    const server = startProcess(temporaryFolder(), { ...quiet, SHUTDOWN_DELAY: '3s' })
    const url = await server.ready
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const live = () => ask(`${url}/health/live`, agent)
    expect(await live()).toEqual({ status: 200, connection: 'keep-alive' })
    server.child.kill('SIGTERM')
    await expect.poll(live, patient).toEqual({ status: 200, connection: 'close' })
    agent.destroy()
    expect(await server.ended).toBe(0)
  })

  it('loses no request of clients under load that go where the server is ready', async () => {
    const folder = temporaryFolder()
    const env = { ...quiet, SHUTDOWN_DELAY: '3s' }
    const leaving = startProcess(folder, env)
    const first = createClient(await leaving.ready)
    const people = await Promise.all(Array.from({ length: 8 }, () => first.register()))
    const staying = startProcess(folder, env)
    const second = createClient(await staying.ready)
    // As a proxy does that looks at readiness: a request goes to a server that was ready a moment ago.
    let target = first
    const failures: unknown[] = []
    let answered = 0
    const over = new AbortController()
    onTestFinished(() => over.abort())
    const load = people.map(async ({ accessToken, email, password }, index) => {
      // Until the test is over.
      for (let count = 0; !over.signal.aborted; count++) {
        try {
          const answer = await (count % 8 === index
            ? target.login(email, password)
            : target.as(accessToken).send('{ me { id } }'))
          if (answer.errors) failures.push(answer.text)
          answered += 1
        } catch (error) {
          failures.push(error)
        }
      }
    })
    const probe = async () => (await fetch(`${first.url}/health/ready`)).status
    await expect.poll(() => answered, patient).toBeGreaterThan(50)
    leaving.child.kill('SIGTERM')
    await expect.poll(probe, patient).toBe(503)
    target = second
    expect(await leaving.ended).toBe(0)
    const atTheEnd = answered
    await expect.poll(() => answered, patient).toBeGreaterThan(atTheEnd + 20)
    over.abort()
    await Promise.all(load)
    expect(failures).toEqual([])
    staying.child.kill('SIGTERM')
    expect(await staying.ended).toBe(0)
  })

  // Browsers open connections in advance. Node waits for a first request on each, and for ever.
  it.each([
    ['on which nothing has come', ''],
    ['on which half a head has come', 'POST /graphql HTTP/1.1\r\nHost: a\r\n'],
  ])('does not wait for a connection %s', async (_, bytes) => {
    const server = startProcess(temporaryFolder(), quiet)
    const url = await server.ready
    const socket = openSocket(url, bytes)
    const closed = readUntilClosed(socket)
    await once(socket, 'connect')
    // Connections are accepted in their order.
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expect((await closed).text).toBe('')
  })

  it('refuses a request whose body does not come any more', async () => {
    const server = startProcess(temporaryFolder(), quiet)
    const url = await server.ready
    const head = ['POST /graphql HTTP/1.1', 'Host: a', 'Content-Type: application/json']
    const socket = openSocket(url, [...head, 'Content-Length: 50', '', '{'].join('\r\n'))
    const closed = readUntilClosed(socket)
    await once(socket, 'connect')
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    server.child.kill('SIGTERM')
    expect((await closed).status).toBe(408)
    expect(await server.ended).toBe(0)
  })

  it('gives up responses that no one reads', async () => {
    const server = startProcess(temporaryFolder(), quiet)
    const url = await server.ready
    const page = await (await fetch(`${url}/graphiql`)).text()
    const script = /src="([^"]+\.js)"/.exec(page)![1]!
    // More than the system keeps for a reader.
    const request = `GET ${script} HTTP/1.1\r\nHost: a\r\n\r\n`
    const socket = openSocket(url, request.repeat(30))
    await once(socket, 'readable')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    socket.destroy()
  })

  it('does not cut off a response that is still being sent', async () => {
    const server = startProcess(temporaryFolder(), quiet)
    const url = await server.ready
    const page = await (await fetch(`${url}/graphiql`)).text()
    const script = /src="([^"]+\.js)"/.exec(page)![1]!
    const whole = Buffer.from(await (await fetch(`${url}${script}`)).arrayBuffer())
    const requests = 12
    const socket = openSocket(url, `GET ${script} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(requests))
    await once(socket, 'readable')
    server.child.kill('SIGTERM')
    // From now on no one else is let in.
    await expect.poll(() => isOpen(url), hasty).toBe(false)
    const { text } = await readUntilClosed(socket)
    expect(text.split('HTTP/1.1 200').length - 1).toBe(requests)
    expect(text.length).toBeGreaterThan(requests * whole.length)
    expect(await server.ended).toBe(0)
  })

  it('is forced by a second one', async () => {
    const server = startProcess(temporaryFolder(), { ...quiet, SHUTDOWN_DELAY: '3s' })
    await server.ready
    // Of two that are the same and come at once the system makes one.
    server.child.kill('SIGTERM')
    server.child.kill('SIGINT')
    expect(await server.ended).toBe(1)
  })
})
