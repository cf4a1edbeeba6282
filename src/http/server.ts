/** The HTTP side: /graphql, the JWKS, health, and the routes of features. */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
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
import { cutOff } from './cut-off.ts'
import { Draining } from './draining.ts'
import { graphqlRoute } from './graphql-route.ts'
import type { HttpRequest } from './http-request.ts'
import { jwksPath, jwksRoute, type JwksRouteOptions } from './jwks.ts'
import type { Logger } from '../logging/logger.ts'
import type { CookiePolicy } from './refresh-cookie.ts'
import { createNodeServer, type NodeServerOptions } from './node-server.ts'
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

/** What a feature adds to the HTTP server. */
export interface Routes {
  /** Paths that get 405 if the method is not GET. */
  readonly paths: readonly string[]
  /** A plugin of Fastify. */
  register(app: FastifyInstance, tools: { readonly pace: Pace }): Promise<void>
}

export interface HttpServerOptions<C extends BaseContext>
  extends JwksRouteOptions, NodeServerOptions {
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
  /** Delays refusals when there are too many. */
  readonly refusalPace: RefusalPace
}

const requestIdShape = /^[\w.:-]{8,128}$/

export async function createHttpServer<C extends BaseContext>(
  options: HttpServerOptions<C>,
): Promise<FastifyInstance> {
  const { isHttps, isReady, log, onAnswered, requestTimeoutMilliseconds } = options
  const headers = { ...securityHeaders(isHttps), 'cache-control': 'no-store' }
  const addresses = new ClientAddresses(options.trustProxy, log, options.clock)
  const noticeOrigin = refusedOriginLog(
    new Set([...options.cookiePolicy.origins, ...options.allowedOrigins]),
    log,
    options.clock,
  )
  const { refusalPace } = options
  const pace: Pace = (request, reply, send) =>
    refusalPace.send(addresses.of(request.raw), reply.elapsedTime, send)
  const sendError = errorSender(pace)
  const draining = new Draining(requestTimeoutMilliseconds)
  const nodeServer = createNodeServer(options, draining)
  let hasWaiting = (_socket: Socket) => false
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
    serverFactory: (handler) => {
      hasWaiting = handleInTurn(nodeServer, handler)
      return nodeServer
    },
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

  // JSON is the one thing that can be posted here: every other type is a form that any page can send.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, readJson(app))
  app.addHook('onRequest', (request, reply, done) => {
    draining.requestStarted(request, reply)
    const limit = setTimeout(() => cutOff(request, reply), requestTimeoutMilliseconds)
    reply.raw.on('close', () => {
      clearTimeout(limit)
      draining.requestEnded(request, reply)
    })
    addresses.noticeUntrusted(request.raw)
    noticeOrigin(request)
    reply.headers(headers)
    reply.header('x-request-id', request.id)
    if (options.isStopping() || draining.isClosing) {
      // Fastify would end the connection with this response, although more of its requests have come.
      reply.header('connection', hasWaiting(request.raw.socket) ? 'keep-alive' : 'close')
    }
    const encoding = request.headers['content-encoding']
    const isPlain = encoding === undefined || encoding === 'identity'
    done(isPlain ? undefined : httpError(415, 'A compressed request body is not accepted.'))
  })
  app.addHook('preClose', (done) => {
    refusalPace.stop()
    draining.start()
    done()
  })
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
