/** How a server stops: what has arrived gets its response, and no connection is left open for long. */
import { Server as HttpServer, type ServerOptions as HttpOptions } from 'node:http'
import { Server as HttpsServer, type ServerOptions as HttpsOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { cutOff } from './cut-off.ts'

/** Of a request's time: what was sent before the server started to close has arrived by then. */
const arrivalShare = 0.1
/** After that, a response that makes no progress for this long is dropped. */
const unreadMilliseconds = 2000

export class Draining {
  readonly #requestTimeoutMilliseconds: number
  /** Until the response is sent, or its connection closed. */
  readonly #underWay = new Map<FastifyReply, FastifyRequest>()
  readonly #connections = new Set<Socket>()
  #isClosing = false
  #hasArrived = false

  constructor(requestTimeoutMilliseconds: number) {
    this.#requestTimeoutMilliseconds = requestTimeoutMilliseconds
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  get hasResponseUnderWay(): boolean {
    return this.#underWay.size > 0
  }

  watchConnections(server: HttpServer): void {
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

  requestStarted(request: FastifyRequest, reply: FastifyReply): void {
    this.#underWay.set(reply, request)
  }

  requestEnded(request: FastifyRequest, reply: FastifyReply): void {
    this.#underWay.delete(reply)
    // Kept alive by a request that started before, a connection would hold up the end of the server.
    if (this.#isClosing) request.server.server.closeIdleConnections()
    this.#closeUnused()
  }

  start(): void {
    this.#isClosing = true
    setTimeout(() => {
      this.#hasArrived = true
      for (const [reply, request] of this.#underWay) {
        if (!request.raw.complete) cutOff(request, reply)
        else if (reply.raw.headersSent) request.raw.socket.setTimeout(unreadMilliseconds)
      }
      this.#closeUnused()
    }, arrivalShare * this.#requestTimeoutMilliseconds).unref()
  }

  /**
   * Node waits for connections on which no request, or half of a head, has come, such as those that
   * browsers open in advance, and no longer limits their time (https://github.com/nodejs/node/issues/63452).
   */
  #closeUnused(): void {
    if (!this.#hasArrived || this.hasResponseUnderWay) return
    for (const socket of this.#connections) socket.destroy()
  }
}

/**
 * Node closes idle connections when a server stops, and takes a connection for idle while its response is
 * still being sent: `closeIdleConnections` asks only whether the response has been written to the socket.
 * Not reported to Node yet. So idle connections stay until the last response has been sent.
 */
export class DrainingHttpServer extends HttpServer {
  readonly #draining: Draining

  constructor(options: HttpOptions, draining: Draining) {
    super(options)
    this.#draining = draining
  }

  override closeIdleConnections(): void {
    if (!this.#draining.hasResponseUnderWay) super.closeIdleConnections()
  }
}

/** The same with TLS. */
export class DrainingHttpsServer extends HttpsServer {
  readonly #draining: Draining

  constructor(options: HttpsOptions, draining: Draining) {
    super(options)
    this.#draining = draining
  }

  override closeIdleConnections(): void {
    if (!this.#draining.hasResponseUnderWay) super.closeIdleConnections()
  }
}
