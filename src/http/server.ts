/** The HTTP side: /graphql, the JWKS, health, and the routes of features. */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { ApolloServer, BaseContext } from '@apollo/server'
import cors from '@fastify/cors'
import fastify, {
  LogController,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { ClientAddresses, normalizeAddress, type TrustProxy } from './client-address.ts'
import { graphqlRoute } from './graphql-route.ts'
import type { HttpRequest } from './http-request.ts'
import { jwksPath, jwksRoute, type JwksRouteOptions } from './jwks.ts'
import type { Logger } from '../logging/logger.ts'
import type { CookiePolicy } from './refresh-cookie.ts'
import { handleInTurn } from './pipelines.ts'
import {
  bareHeaders,
  bodyLimitBytes,
  errorSender,
  httpError,
  notFound,
  refuseConnection,
  type Pace,
} from './refusals.ts'
import { refusedOriginLog } from './refused-origins.ts'
import type { RefusalPace } from './refusal-pace.ts'
import { securityHeaders } from './security-headers.ts'
import type { ServerCertificate } from './server-certificate.ts'

/** What a feature adds to the HTTP server. */
export interface Routes {
  /** Paths that get 405 if the method is not GET. */
  readonly paths: readonly string[]
  /** A plugin of Fastify. */
  register(app: FastifyInstance, tools: { readonly pace: Pace }): Promise<void>
}

export interface HttpServerOptions<C extends BaseContext> extends JwksRouteOptions {
  readonly apollo: ApolloServer<C>
  readonly createContext: (request: HttpRequest) => Promise<C>
  /** Routes in addition to those of this folder. */
  readonly routes: readonly Routes[]
  /** Of the page that a browser gets at /graphql, if there is one. */
  readonly landingPageHeaders: Readonly<Record<string, string>> | undefined
  readonly isReady: () => Promise<boolean>
  /** The server is about to stop: clients that keep a connection are asked to open another one. */
  readonly isStopping: () => boolean
  /** Called for each request that got a response; the route is one of ours. */
  readonly onAnswered?:
    | ((method: string, route: string, status: number, seconds: number) => void)
    | undefined
  readonly log: Logger
  readonly cookiePolicy: CookiePolicy
  readonly allowedOrigins: readonly string[]
  readonly trustProxy: TrustProxy
  readonly clock: () => number
  /** Whether users reach the server by https, here or at a proxy. */
  readonly isHttps: boolean
  /** Where TLS ends here. */
  readonly certificate?: ServerCertificate | undefined
  /** Delays refusals when there are too many. */
  readonly refusalPace: RefusalPace
  /** A request that takes longer to arrive, or to answer, is cut off. */
  readonly requestTimeoutMilliseconds: number
  /** An idle connection is closed after this long. */
  readonly keepAliveMilliseconds: number
}

/** Of a request's time: what was sent before the server started to close has arrived by then. */
const arrivalShare = 0.1
/** After that, a response that makes no progress for this long is dropped. */
const unreadMilliseconds = 2000
const requestIdShape = /^[\w.:-]{8,128}$/

export async function createHttpServer<C extends BaseContext>(
  options: HttpServerOptions<C>,
): Promise<FastifyInstance> {
  const { isHttps, isReady, log, onAnswered, requestTimeoutMilliseconds } = options
  const headers = { ...securityHeaders(isHttps), 'cache-control': 'no-store' }
  const { certificate } = options
  const addresses = new ClientAddresses(options.trustProxy, log, options.clock)
  const noticeOrigin = refusedOriginLog(
    new Set([...options.cookiePolicy.origins, ...options.allowedOrigins]),
    log,
    options.clock,
  )
  const connectionTimes = {
    headersTimeout: requestTimeoutMilliseconds,
    connectionsCheckingInterval: requestTimeoutMilliseconds / 5,
  }
  const { refusalPace } = options
  const pace: Pace = (request, reply, send) =>
    refusalPace.send(addresses.of(request.raw), reply.elapsedTime, send)
  const sendError = errorSender(pace)
  const app = fastify({
    loggerInstance: log,
    logController: new QuietLogController({
      // One line a request, without the query string: see logRequest.
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    // No route has a schema; Fastify loads its compilers unless it is given others.
    schemaController: {
      compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema },
    },
    bodyLimit: bodyLimitBytes,
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' &&
        requestIdShape.test(given) &&
        addresses.isProxy(request.socket.remoteAddress)
        ? given
        : randomUUID()
    },
    requestTimeout: requestTimeoutMilliseconds,
    keepAliveTimeout: options.keepAliveMilliseconds,
    // Without a byte in either direction: a response that no one reads has no other limit.
    connectionTimeout: 2 * requestTimeoutMilliseconds,
    http: connectionTimes,
    // Its type would have every request be one of TLS, although nothing here asks for the difference.
    ...((certificate && {
      https: {
        ...connectionTimes,
        handshakeTimeout: requestTimeoutMilliseconds,
        ...certificate.options,
      },
    }) as object),
    forceCloseConnections: 'idle',
    // What arrives on a connection that is still open is answered like everything else.
    return503OnClosing: false,
    clientErrorHandler: (error, socket) =>
      refuseConnection(error, socket, (refused, send) =>
        refusalPace.send(normalizeAddress(refused.remoteAddress), 0, send),
      ),
    frameworkErrors: (error, request, reply) => {
      sendError(error, request, reply.headers(bareHeaders).header('x-request-id', request.id))
      logRequest(request, reply)
    },
  })

  const hasWaiting = handleInTurn(app.server)
  certificate?.keepUpToDate(app.server as unknown as HttpsServer)

  // JSON is the one thing that can be posted here: every other type is a form that any page can send.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, readJson(app))
  /** Until the response is sent, or its connection closed. */
  const underWay = new Map<FastifyReply, FastifyRequest>()
  app.addHook('onRequest', (request, reply, done) => {
    underWay.set(reply, request)
    const limit = setTimeout(() => cutOff(request, reply), requestTimeoutMilliseconds)
    reply.raw.on('close', () => {
      clearTimeout(limit)
      underWay.delete(reply)
      // Kept alive by a request that started before, the connection would hold up the end of the server.
      if (isClosing) app.server.closeIdleConnections()
      closeUnused()
    })
    addresses.noticeUntrusted(request.raw)
    noticeOrigin(request)
    reply.headers(headers)
    reply.header('x-request-id', request.id)
    if (options.isStopping()) {
      // Fastify would end the connection with this response, although more of its requests have come.
      reply.header('connection', hasWaiting(request.raw.socket) ? 'keep-alive' : 'close')
    }
    const encoding = request.headers['content-encoding']
    const isPlain = encoding === undefined || encoding === 'identity'
    done(isPlain ? undefined : httpError(415, 'A compressed request body is not accepted.'))
  })
  let isClosing = false
  app.addHook('preClose', (done) => {
    isClosing = true
    refusalPace.stop()
    setTimeout(() => {
      hasArrived = true
      for (const [reply, request] of underWay) {
        if (!request.raw.complete) cutOff(request, reply)
        else if (reply.raw.headersSent) request.raw.socket.setTimeout(unreadMilliseconds)
      }
      closeUnused()
    }, arrivalShare * requestTimeoutMilliseconds).unref()
    done()
  })
  // Node waits for connections on which no request, or half of a head, has come, such as those that
  // browsers open in advance, and no longer limits their time.
  let hasArrived = false
  const connections = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  const closeIdleConnections = app.server.closeIdleConnections.bind(app.server)
  // Node, which calls it at a stop, takes a connection for idle while its response is still being sent.
  app.server.closeIdleConnections = () => {
    const sending = [...underWay.values()].map(({ raw }) => raw.socket)
    for (const socket of sending) socket.destroy = () => socket
    closeIdleConnections()
    for (const socket of sending) delete (socket as Partial<Socket>).destroy
  }
  const closeUnused = () => {
    if (!hasArrived || underWay.size > 0) return
    for (const socket of connections) socket.destroy()
  }
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(request, reply)
    onAnswered?.(
      request.method,
      request.routeOptions.url ?? '(none)',
      reply.statusCode,
      reply.elapsedTime / 1000,
    )
    done()
  })
  app.setErrorHandler(sendError)
  app.setNotFoundHandler(
    notFound(
      [
        '/graphql',
        jwksPath,
        '/health/live',
        '/health/ready',
        ...options.routes.flatMap(({ paths }) => paths),
      ],
      sendError,
    ),
  )

  await app.register(cors, {
    origin: [...options.allowedOrigins],
    credentials: true,
    methods: ['GET', 'POST'],
    exposedHeaders: ['x-request-id', 'retry-after', 'www-authenticate'],
    maxAge: 600,
    strictPreflight: false,
  })

  graphqlRoute(app, { ...options, addressOf: (request) => addresses.of(request) })
  jwksRoute(app, options)
  for (const routes of options.routes) {
    await app.register((instance) => routes.register(instance, { pace }))
  }
  app.get('/health/live', async () => ({ status: 'ok' }))
  app.get('/health/ready', async (_request, reply) => {
    const ready = await isReady()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable' })
  })
  return app
}

class QuietLogController extends LogController {
  /** A client that leaves in the middle of a response: nothing to look into, and any client can do it. */
  override streamError(): void {}
}

function refuseSchema(): never {
  throw new Error('Routes have no schemas here')
}

/**
 * Responds with 408 if a body has not arrived, 503 if a handler takes too long. Fastify's
 * `handlerTimeout` does the latter too, but aborts a signal at the end of every request, which was
 * the dearest thing on the way (bench/NOTES.md).
 */
function cutOff(request: FastifyRequest, reply: FastifyReply): void {
  // A refusal that waits for the rest of its request has its status, and an end to its waiting.
  // One whose body is being sent is limited by the connection's own time without a byte.
  if (reply.raw.headersSent || reply.statusCode >= 400) return
  if (request.raw.complete) void reply.send(httpError(503, 'The handler took too long'))
  else void reply.header('connection', 'close').send(httpError(408, 'The body did not arrive'))
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  request.log.info(
    {
      method: request.method,
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
    },
    'request',
  )
}

const byteOrderMark = Buffer.from('\ufeff')

/** Reads a body that is JSON in UTF-8 (RFC 8259 section 8.1). */
function readJson(app: FastifyInstance) {
  const parse = app.getDefaultJsonParser('error', 'error')
  return (
    request: FastifyRequest,
    body: Buffer,
    done: (error: Error | null, value?: unknown) => void,
  ) => {
    // Decoding would turn every broken byte into the same U+FFFD, and two passwords into one.
    const isReadable = isUtf8(body) && !body.subarray(0, 3).equals(byteOrderMark)
    if (isReadable) void parse(request, body.toString(), done)
    else done(httpError(400, 'The body is not UTF-8, or has a byte order mark.'))
  }
}
