// Requests that come without waiting for the responses, and responses that no one reads.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { temporaryFolder } from '../support/process.ts'
import { startServer, type TestServer } from '../support/server.ts'

const megabyte = 2 ** 20
/** Less than the bodies that are asked for have together, many times. */
const allowedGrowthBytes = 80 * megabyte
/** A connection of which no one reads is closed after twice this time. */
const overrides = { requestTimeoutMilliseconds: 1500, passwordCost: 7 }

let server: TestServer
/** Gives a connection as long as a busy machine takes. */
let patient: TestServer
let asset: { readonly path: string; readonly bytes: number }
beforeAll(async () => {
  server = await startServer({ SANDBOX: 'on' }, overrides)
  patient = await startServer(
    { SANDBOX: 'on' },
    { ...overrides, requestTimeoutMilliseconds: 60_000 },
  )
  asset = await largestAsset(server.url)
})
afterAll(async () => {
  await server.close()
  await patient.close()
})

const head = (line: string, ...headers: string[]) =>
  `${[`${line} HTTP/1.1`, 'Host: a', ...headers].join('\r\n')}\r\n\r\n`

describe('requests for an asset of megabytes, sent without waiting for the responses', () => {
  it('take no memory that grows with their number if no one reads, in whichever encoding', async () => {
    const encodings = ['identity', 'gzip', 'br']
    const growth = growthUntil(connectionsClosed(encodings.length))
    for (const encoding of encodings) {
      open(server.url, head(`GET ${asset.path}`, `Accept-Encoding: ${encoding}`).repeat(800))
    }
    expect(await growth).toBeLessThan(allowedGrowthBytes)
  })

  it('are answered in turn, each with the whole of it', async () => {
    const get = head(`GET ${asset.path}`, 'Accept-Encoding: identity')
    const socket = open(patient.url, get.repeat(20))
    let received = 0
    socket.on('data', (chunk: Buffer) => void (received += chunk.length))
    await expect.poll(() => received).toBeGreaterThan(20 * asset.bytes)
    expect(received).toBeLessThan(20 * (asset.bytes + 2000))
  })

  it('have no body and take no memory for one if their method is HEAD', async () => {
    const ask = head(`HEAD ${asset.path}`, 'Accept-Encoding: identity').repeat(500)
    const texts = Promise.all(
      Array.from({ length: 4 }, () => readResponses(open(patient.url, ask), 500)),
    )
    expect(await growthUntil(texts)).toBeLessThan(allowedGrowthBytes)
    for (const text of await texts) {
      expect(text.match(/^HTTP\/1\.1 200 OK\r$/gm)).toHaveLength(500)
      expect(text.match(new RegExp(`^content-length: ${asset.bytes}\r$`, 'gm'))).toHaveLength(500)
    }
  })
})

describe('an asset of megabytes over TLS', () => {
  // TLS keeps an encrypted copy of all that is written at once.
  it('takes no memory that grows with the number of connections if no one reads', async () => {
    const folder = temporaryFolder()
    const authority = await createAuthority('Authority of the tests')
    const { certificate, key } = await authority.sign(['127.0.0.1'])
    const env = { TLS_CERT: join(folder, 'tls.crt'), TLS_KEY: join(folder, 'tls.key') }
    writeFileSync(env.TLS_CERT, certificate)
    writeFileSync(env.TLS_KEY, key, { mode: 0o600 })
    const secure = await startServer({ SANDBOX: 'on', ...env }, overrides)
    const closed = connectionsClosed(40)
    const growth = growthUntil(closed)
    for (let count = 0; count < 40; count++) {
      const { port } = new URL(secure.url)
      const socket = connectTls({
        port: Number(port),
        host: '127.0.0.1',
        ca: authority.certificate,
      })
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => {})
      await once(socket, 'secureConnect')
      socket.pause()
      // The system keeps the first for a reader.
      socket.write(head(`GET ${asset.path}`, 'Accept-Encoding: identity').repeat(4))
    }
    expect(await growth).toBeLessThan(allowedGrowthBytes)
  })
})

describe('sign-ins that are sent without waiting for the responses', () => {
  it('wait for each other, so that one connection does not fill the queue for all', async () => {
    const query =
      'mutation { login(email: "nobody@example.com", password: "not the password") { accessToken } }'
    const body = JSON.stringify({ query })
    const post = head(
      'POST /graphql',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    )
    const socket = open(patient.url, `${post}${body}`.repeat(40))
    let text = ''
    socket.on('data', (chunk: Buffer) => void (text += chunk.toString('latin1')))
    const codes = () => text.match(/"code":"\w+"/g) ?? []
    await expect.poll(() => codes().length).toBe(40)
    expect(new Set(codes())).toEqual(new Set(['"code":"INVALID_CREDENTIALS"']))
  })
})

/** Opens a connection and sends the bytes. Nothing is read until someone listens. */
function open(url: string, bytes: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(bytes)
  return socket
}

/** The largest asset of GraphiQL. */
async function largestAsset(url: string): Promise<typeof asset> {
  const page = await (await fetch(`${url}/graphiql`)).text()
  const script = /src="([^"]+\.js)"/.exec(page)![1]!
  const text = await (await fetch(url + script)).text()
  const imported = Array.from(text.matchAll(/[\w.-]+\.js/g), ([name]) => `/sandbox/assets/${name}`)
  const sizes = new Map<string, number>()
  for (const path of new Set([script, ...imported])) {
    const response = await fetch(url + path)
    if (response.ok) sizes.set(path, (await response.arrayBuffer()).byteLength)
  }
  const [path, bytes] = [...sizes].toSorted(([, one], [, other]) => other - one)[0]!
  return { path, bytes }
}

/** Resolves when the server has closed so many of the connections that ask for the asset. */
async function connectionsClosed(count: number): Promise<void> {
  const sockets = new Set<Socket>()
  const all = Promise.withResolvers<void>()
  const onRequest = (message: unknown) => {
    const { request, socket } = message as { request: IncomingMessage; socket: Socket }
    if (request.url !== asset.path || sockets.has(socket)) return
    sockets.add(socket)
    if (sockets.size === count) all.resolve()
  }
  subscribe('http.server.request.start', onRequest)
  onTestFinished(() => void unsubscribe('http.server.request.start', onRequest))
  await all.promise
  await Promise.all(Array.from(sockets, async (socket) => socket.closed || once(socket, 'close')))
}

/** @returns the most that the process has grown by before the event */
async function growthUntil(event: Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss()
  let highest = before
  const sample = () => void (highest = Math.max(highest, process.memoryUsage.rss()))
  const timer = setInterval(sample, 5)
  await event.finally(() => clearInterval(timer))
  sample()
  return highest - before
}

function readResponses(socket: Socket, count: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const responses = () => text.split('HTTP/1.1 ').length - 1
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.endsWith('\r\n\r\n') && responses() >= count) resolve(text)
    })
    socket.once('close', () => reject(new Error(`Closed after ${responses()} responses`)))
  })
}
