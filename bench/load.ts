/**
 * The load: connections that stay open, over bare sockets, so that the client costs less than the
 * server that it measures (see NOTES.md). Closed loop: a connection sends its next request when its
 * last is answered. Open loop: requests are due at a constant rate, whatever the server does.
 */
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

/** Gives one connection its next request, out of the body that answered its last. */
export type Source = (answer: string | undefined) => Buffer

export interface Outcome {
  readonly requestsPerSecond: number
  readonly requests: number
  /** Responses a second that were not refusals and arrived before the end. */
  readonly acceptedPerSecond: number
  /** Responses that were not a 200, or had errors; zero unless they are tolerated. */
  readonly refused: number
  /** Milliseconds, of all responses. */
  readonly p50: number
  readonly p99: number
  /** Milliseconds, of the responses that were refusals. */
  readonly refusedP99: number
}

/** Ends a load: after a time, or after a number of requests over all connections. */
export type Until = { readonly seconds: number } | { readonly requests: number }

/** Whether refusals are allowed, where the load is there to press on something else. */
export type Tolerance = 'nothing' | 'refusals'

interface Reply {
  readonly body: Buffer
  readonly isRefused: boolean
}

/**
 * @param origins of one server, or of several that the connections are dealt to in turn
 * @param from the client IP; by default the system's choice
 * @throws if a refusal is not tolerated: figures of refusals are figures of something else
 */
export async function load(
  origins: string | readonly string[],
  sources: readonly Source[],
  until: Until,
  tolerates: Tolerance = 'nothing',
  from?: string,
): Promise<Outcome> {
  const latencies = new Latencies(tolerates)
  let acceptedInTime = 0
  let remaining = 'requests' in until ? until.requests : Number.POSITIVE_INFINITY
  const drive = async (connection: Connection, index: number, began: number) => {
    const endsAt = 'seconds' in until ? began + until.seconds * 1000 : Number.POSITIVE_INFINITY
    let answer: string | undefined
    while (performance.now() < endsAt && remaining > 0) {
      remaining -= 1
      const sentAt = performance.now()
      const reply = await connection.send(sources[index]!(answer))
      latencies.add(performance.now() - sentAt, reply)
      if (!reply.isRefused && performance.now() <= endsAt) acceptedInTime += 1
      answer = reply.body.toString('utf8')
    }
  }
  const seconds = await onConnections(origins, sources.length, drive, from)
  return latencies.outcome(seconds, acceptedInTime / ('seconds' in until ? until.seconds : seconds))
}

/**
 * Latency counts from when a request was due, not from when a connection was free for it: a server
 * that stalls is not spared the requests that would have come meanwhile.
 */
export async function loadAtRate(
  origin: string,
  sources: readonly Source[],
  requestsPerSecond: number,
  seconds: number,
): Promise<Outcome> {
  const latencies = new Latencies('nothing')
  const total = Math.round(requestsPerSecond * seconds)
  let next = 0
  const lasted = await onConnections(origin, sources.length, async (connection, index, began) => {
    while (next < total) {
      const dueAt = began + (next / requestsPerSecond) * 1000
      next += 1
      const wait = dueAt - performance.now()
      if (wait > 0) {
        await new Promise((resolve) => {
          setTimeout(resolve, wait)
        })
      }
      // Timers are a millisecond coarse: what is sent later than due for that reason is the client's.
      const from = wait > 0 ? performance.now() : dueAt
      const reply = await connection.send(sources[index]!(undefined))
      latencies.add(performance.now() - from, reply)
    }
  })
  return latencies.outcome(lasted, total / lasted)
}

class Latencies {
  readonly #all: number[] = []
  readonly #refused: number[] = []
  readonly #tolerates: Tolerance

  constructor(tolerates: Tolerance) {
    this.#tolerates = tolerates
  }

  add(milliseconds: number, { body, isRefused }: Reply): void {
    this.#all.push(milliseconds)
    if (!isRefused) return
    if (this.#tolerates === 'nothing') throw new Error(`It was refused: ${body.toString('utf8')}`)
    this.#refused.push(milliseconds)
  }

  outcome(seconds: number, acceptedPerSecond: number): Outcome {
    const sorted = Float64Array.from(this.#all).toSorted()
    return {
      requestsPerSecond: sorted.length / seconds,
      requests: sorted.length,
      acceptedPerSecond,
      refused: this.#refused.length,
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      refusedP99: percentile(Float64Array.from(this.#refused).toSorted(), 0.99),
    }
  }
}

/**
 * The time that the connections take to open is no one's latency: requests are due once all are open.
 * @returns how long it took from then, in seconds
 */
async function onConnections(
  origins: string | readonly string[],
  count: number,
  drive: (connection: Connection, index: number, began: number) => Promise<void>,
  from?: string,
): Promise<number> {
  const list = [origins].flat()
  const connections = await Promise.all(
    Array.from({ length: count }, (_, index) => Connection.open(list[index % list.length]!, from)),
  )
  try {
    const began = performance.now()
    await Promise.all(connections.map((connection, index) => drive(connection, index, began)))
    return (performance.now() - began) / 1000
  } finally {
    for (const connection of connections) connection.close()
  }
}

class Connection {
  readonly #socket: Socket
  #received: Buffer | undefined
  #settle: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#settle?.reject(error))
    socket.on('close', () => this.#settle?.reject(new Error('The server closed a connection')))
  }

  static open(origin: string, localAddress?: string): Promise<Connection> {
    const { hostname: host, port } = new URL(origin)
    return new Promise((resolve, reject) => {
      const socket = connect({
        port: Number(port),
        host,
        noDelay: true,
        ...(localAddress !== undefined && { localAddress }),
      })
      socket.once('connect', () => resolve(new Connection(socket))).once('error', reject)
    })
  }

  send(request: Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    const received = this.#received ? Buffer.concat([this.#received, chunk]) : chunk
    const body = completeBody(received)
    this.#received = body ? undefined : received
    if (!body) return
    const isRefused =
      received.toString('latin1', 9, 12) !== '200' ||
      body.includes(errorsMember) ||
      body.equals(nothing)
    this.#settle?.resolve({ body, isRefused })
  }
}

const headEnd = Buffer.from('\r\n\r\n')
const errorsMember = Buffer.from('"errors"')
/** better-auth's answer to who is not signed in. */
const nothing = Buffer.from('null')
const lastChunk = Buffer.from('0\r\n\r\n')

/** The body of a response, once all of it is there. */
function completeBody(received: Buffer): Buffer | undefined {
  const end = received.indexOf(headEnd)
  if (end === -1) return undefined
  const start = end + headEnd.length
  const length = /\r\ncontent-length: (\d+)/i.exec(received.toString('latin1', 0, end))?.[1]
  // Without one it comes in chunks, of which these servers send no more than one with content.
  if (length === undefined) {
    if (!received.subarray(-lastChunk.length).equals(lastChunk)) return undefined
    const content = received.indexOf('\r\n', start) + 2
    return received.subarray(content, received.length - lastChunk.length - 2)
  }
  return received.length >= start + Number(length)
    ? received.subarray(start, start + Number(length))
    : undefined
}

/** A POST of JSON, as it goes over the wire. */
export function postRequest(
  origin: string,
  path: string,
  body: unknown,
  accessToken?: string,
): Buffer {
  const json = JSON.stringify(body)
  return Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      `host: ${new URL(origin).host}`,
      'content-type: application/json',
      'accept: application/json',
      ...(accessToken === undefined ? [] : [`authorization: Bearer ${accessToken}`]),
      `content-length: ${Buffer.byteLength(json)}`,
      '',
      json,
    ].join('\r\n'),
  )
}

function percentile(sorted: Float64Array, fraction: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN
}
