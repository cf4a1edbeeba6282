/**
 * Handles the requests of a connection one at a time, however many a client sends without waiting for
 * the responses (RFC 9112 section 9.3.2). Node parses up to 64 KB of them at once and would have all of
 * them handled at the same time, although only one response can be sent at a time.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Exchange = readonly [request: IncomingMessage, response: ServerResponse]

interface Pipeline {
  isBusy: boolean
  /** Parsed, not yet handled. A few kilobytes each. */
  readonly waiting: Exchange[]
}

/** Requests that may wait on all connections together: some tens of megabytes. */
const maximumWaiting = 10_000

/**
 * Has a server's requests handled in turn.
 * @param limit requests that may wait on all connections together; a connection that sends more is closed
 * @returns whether requests wait on a connection
 */
export function handleInTurn(
  server: Server,
  handler: (...exchange: Exchange) => void,
  limit = maximumWaiting,
): (socket: Socket) => boolean {
  const pipelines = new WeakMap<Socket, Pipeline>()
  let waitingRequests = 0

  const clear = ({ waiting }: Pipeline) => {
    waitingRequests -= waiting.length
    waiting.length = 0
  }
  const handle = (socket: Socket, pipeline: Pipeline, exchange: Exchange) => {
    const [, response] = exchange
    pipeline.isBusy = true
    response.once('close', () => {
      pipeline.isBusy = false
      // After a response that ends the connection, or without a client, no other response can be sent.
      if (!socket.writable) return clear(pipeline)
      const next = pipeline.waiting.shift()
      if (!next) return
      waitingRequests -= 1
      if (pipeline.waiting.length === 0) socket.resume()
      handle(socket, pipeline, next)
    })
    handler(...exchange)
  }
  const open = (socket: Socket): Pipeline => {
    const pipeline: Pipeline = { isBusy: false, waiting: [] }
    pipelines.set(socket, pipeline)
    socket.once('close', () => clear(pipeline))
    // Node resumes the socket by itself, for example to read a body.
    socket.on('resume', () => {
      if (pipeline.waiting.length > 0) socket.pause()
    })
    return pipeline
  }

  server.on('request', (...exchange: Exchange) => {
    const { socket } = exchange[0]
    const pipeline = pipelines.get(socket) ?? open(socket)
    if (!pipeline.isBusy) return handle(socket, pipeline, exchange)
    if (socket.destroyed) return
    if (waitingRequests >= limit) {
      socket.destroy()
      return clear(pipeline)
    }
    waitingRequests += 1
    pipeline.waiting.push(exchange)
    socket.pause()
  })
  return (socket) => (pipelines.get(socket)?.waiting.length ?? 0) > 0
}
