/**
 * The load: connections that stay open, each sending its next request when its last is answered. Over
 * bare sockets, so that the client costs less than the server that it measures (see NOTES.md).
 */
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'

/** Gives one connection its next request, out of the body that answered its last. */
export type Source = (answer: string | undefined) => Buffer

export interface Outcome {
  readonly requestsPerSecond: number
  readonly requests: number
  /** Answers that were not a 200, or had errors; zero unless they are tolerated. */
  readonly refused: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** Ends a load: after a time, or after a number of requests over all connections. */
export type Until = { readonly seconds: number } | { readonly requests: number }

const headEnd = Buffer.from('\r\n\r\n')
const errorsMember = Buffer.from('"errors"')

/**
 * @param tolerates refusals, where the load is there to press on something else
 * @throws where an answer is not a 200, or has errors: figures of refusals are figures of something else
 */
export async function load(
  origin: string,
  sources: readonly Source[],
  until: Until,
  tolerates: 'nothing' | 'refusals' = 'nothing',
): Promise<Outcome> {
  let refused = 0
  const { hostname, port } = new URL(origin)
  const sockets = await Promise.all(sources.map(() => open(Number(port), hostname)))
  const latencies: number[] = []
  const startedAt = performance.now()
  const endsAt = 'seconds' in until ? startedAt + until.seconds * 1000 : Number.POSITIVE_INFINITY
  let remaining = 'requests' in until ? until.requests : Number.POSITIVE_INFINITY
  try {
    await Promise.all(
      sockets.map((socket, index) => {
        const source = sources[index]!
        return drive(socket, latencies, (answer, isRefused) => {
          if (isRefused) {
            refused += 1
            if (tolerates === 'nothing')
              throw new Error(`Unexpected answer: ${answer?.toString('utf8')}`)
          }
          if (performance.now() >= endsAt || remaining <= 0) return undefined
          remaining -= 1
          return source(answer?.toString('utf8'))
        })
      }),
    )
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  const seconds = (performance.now() - startedAt) / 1000
  const sorted = Float64Array.from(latencies).toSorted()
  return {
    requestsPerSecond: sorted.length / seconds,
    requests: sorted.length,
    refused,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
  }
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

function open(port: number, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true })
    socket.once('connect', () => resolve(socket)).once('error', reject)
  })
}

/** Sends what `next` gives until it gives nothing. */
function drive(
  socket: Socket,
  latencies: number[],
  next: (answer: Buffer | undefined, isRefused: boolean) => Buffer | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0
    let pending: Buffer | undefined
    const send = (answer: Buffer | undefined, isRefused = false) => {
      const request = next(answer, isRefused)
      if (!request) return resolve()
      sentAt = performance.now()
      socket.write(request)
    }
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The server closed a connection')))
    socket.on('data', (chunk) => {
      pending = pending ? Buffer.concat([pending, chunk]) : chunk
      const body = completeBody(pending)
      if (!body) return
      const received = pending
      latencies.push(performance.now() - sentAt)
      pending = undefined
      const isRefused = received.toString('latin1', 9, 12) !== '200' || body.includes(errorsMember)
      try {
        send(body, isRefused)
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
    send(undefined)
  })
}

/** The body of an answer, once all of it is there. Both servers give its length. */
function completeBody(received: Buffer): Buffer | undefined {
  const end = received.indexOf(headEnd)
  if (end === -1) return undefined
  const length = /\r\ncontent-length: (\d+)/i.exec(received.toString('latin1', 0, end))?.[1]
  if (length === undefined) throw new Error('The answer has no Content-Length')
  const start = end + headEnd.length
  return received.length >= start + Number(length)
    ? received.subarray(start, start + Number(length))
    : undefined
}

function percentile(sorted: Float64Array, fraction: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN
}
