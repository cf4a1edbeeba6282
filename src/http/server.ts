/** The HTTP side: /graphql, the JWKS, health, and the relay of what providers post. */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { ApolloServer, BaseContext } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import cors from '@fastify/cors'
import fastify, {
  LogController,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { normalizeAddress } from './client-address.ts'
import type { HttpRequest } from './http-request.ts'
import type { Logger } from './logger.ts'
import { readRefreshCookie, writeRefreshCookie, type CookiePolicy } from './refresh-cookie.ts'
import {
  bareHeaders,
  bodyLimitBytes,
  httpError,
  notFound,
  refuseConnection,
  sendError,
} from './refusals.ts'
import { relay } from './relay.ts'
import { sandboxContentSecurityPolicy } from './sandbox.ts'
import { securityHeaders } from './security-headers.ts'

export interface HttpServerOptions<C extends BaseContext> {
  readonly apollo: ApolloServer<C>
  readonly createContext: (request: HttpRequest) => Promise<C>
  readonly jwks: () => Promise<unknown>
  /** The redirect URI to which an answer that a provider posts goes on. */
  readonly relayTo: (provider: string, state: string) => Promise<string | undefined>
  readonly isReady: () => Promise<boolean>
  /** The server is about to stop: whoever keeps a connection is told to open another elsewhere. */
  readonly isStopping: () => boolean
  /** Hears of each request that was answered; the route is one of ours. */
  readonly onAnswered?:
    | ((method: string, route: string, status: number, seconds: number) => void)
    | undefined
  readonly log: Logger
  readonly cookiePolicy: CookiePolicy
  readonly allowedOrigins: readonly string[]
  readonly trustProxy: number | string[] | false
  readonly isHttps: boolean
  /** A request that takes longer to arrive, or to answer, is cut off. */
  readonly requestTimeoutMilliseconds: number
}

const requestIdShape = /^[\w.:-]{8,128}$/

export async function createHttpServer<C extends BaseContext>(
  options: HttpServerOptions<C>,
): Promise<FastifyInstance> {
  const { apollo, createContext, isHttps, isReady, jwks, log, onAnswered } = options
  const { requestTimeoutMilliseconds } = options
  const headers = { ...securityHeaders(isHttps), 'cache-control': 'no-store' }
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({
      // One line a request, without the query string: see logRequest.
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    bodyLimit: bodyLimitBytes,
    trustProxy: trustedProxies(options.trustProxy),
    genReqId: (request) => {
      const given = options.trustProxy === false ? undefined : request.headers['x-request-id']
      return typeof given === 'string' && requestIdShape.test(given) ? given : randomUUID()
    },
    requestTimeout: requestTimeoutMilliseconds,
    http: {
      headersTimeout: requestTimeoutMilliseconds,
      connectionsCheckingInterval: requestTimeoutMilliseconds / 5,
    },
    forceCloseConnections: 'idle',
    // What arrives on a connection that is still open is answered like everything else.
    return503OnClosing: false,
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => {
      sendError(error, request, reply.headers(bareHeaders).header('x-request-id', request.id))
      logRequest(request, reply)
    },
  })

  // JSON is the one thing that can be posted here: every other type is a form that any page can send.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, readJson(app))
  app.addHook('onRequest', (request, reply, done) => {
    limitTime(request, reply, requestTimeoutMilliseconds)
    reply.headers(headers)
    reply.header('x-request-id', request.id)
    if (options.isStopping()) reply.header('connection', 'close')
    const encoding = request.headers['content-encoding']
    const isPlain = encoding === undefined || encoding === 'identity'
    done(isPlain ? undefined : httpError(415, 'A compressed request body is not accepted.'))
  })
  let isClosing = false
  app.addHook('preClose', (done) => {
    isClosing = true
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
    // Kept alive by a request that began before, the connection would hold up the end of the server.
    if (isClosing) app.server.closeIdleConnections()
    done()
  })
  app.setErrorHandler(sendError)
  app.setNotFoundHandler(
    notFound(['/graphql', '/.well-known/jwks.json', '/health/live', '/health/ready']),
  )

  await app.register(cors, {
    origin: [...options.allowedOrigins],
    credentials: true,
    methods: ['GET', 'POST'],
    exposedHeaders: ['x-request-id', 'retry-after', 'www-authenticate'],
    maxAge: 600,
    strictPreflight: false,
  })

  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    handler: fastifyApolloHandler(apollo, {
      context: async (request, reply) =>
        createContext(new FastifyHttpRequest(request, reply, options.cookiePolicy)),
    }),
    onSend: async (_request, reply, payload) => {
      // Apollo has a value of its own for some answers.
      reply.header('cache-control', 'no-store')
      if (String(reply.getHeader('content-type')).startsWith('text/html')) {
        reply.header('content-security-policy', sandboxContentSecurityPolicy)
        reply.header('cross-origin-opener-policy', 'same-origin-allow-popups')
      }
      return payload
    },
  })
  app.get('/.well-known/jwks.json', async (_request, reply) => {
    reply.header('access-control-allow-origin', '*')
    return reply.type('application/jwk-set+json').send(JSON.stringify(await jwks()))
  })
  await app.register(relay, { relayTo: options.relayTo })
  app.get('/health/live', async () => ({ status: 'ok' }))
  app.get('/health/ready', async (_request, reply) => {
    const ready = await isReady()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable' })
  })
  return app
}

/**
 * Answers 408 where a body does not arrive, 503 where a handler takes too long. Fastify's
 * `handlerTimeout` does the latter too, but aborts a signal at the end of every request, which was
 * the dearest thing on the way (bench/NOTES.md).
 */
function limitTime(request: FastifyRequest, reply: FastifyReply, milliseconds: number): void {
  const timer = setTimeout(() => {
    if (reply.sent) return
    if (request.raw.complete) void reply.send(httpError(503, 'The handler took too long'))
    else void reply.header('connection', 'close').send(httpError(408, 'The body did not arrive'))
  }, milliseconds)
  reply.raw.on('close', () => clearTimeout(timer))
}

/** Fastify itself refuses to count hops; whoever sets a number vouches that nobody gets past the proxies. */
function trustedProxies(trustProxy: number | string[] | false) {
  return typeof trustProxy === 'number'
    ? (_address: string, hop: number) => hop < trustProxy
    : trustProxy
}

/**
 * A class, although a literal would be shorter: V8 gives every literal with a getter a hidden class of
 * its own, and that kept whole requests alive until the next full collection (bench/NOTES.md).
 */
class FastifyHttpRequest implements HttpRequest {
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #cookiePolicy: CookiePolicy

  constructor(request: FastifyRequest, reply: FastifyReply, cookiePolicy: CookiePolicy) {
    this.#request = request
    this.#reply = reply
    this.#cookiePolicy = cookiePolicy
  }

  get id() {
    return this.#request.id
  }

  get log() {
    return this.#request.log
  }

  get authorization() {
    return this.#request.headers.authorization
  }

  get client() {
    const { headers, ip, socket } = this.#request
    return {
      ip: normalizeAddress(ip) ?? normalizeAddress(socket.remoteAddress),
      userAgent: headers['user-agent'],
    }
  }

  get refreshCookie() {
    const request = this.#request
    const reply = this.#reply
    const policy = this.#cookiePolicy
    return {
      read: () => readRefreshCookie(request, policy),
      write: (token: string, lifetimeSeconds: number) =>
        writeRefreshCookie(reply, policy, token, lifetimeSeconds),
      clear: () => writeRefreshCookie(reply, policy, '', 0),
    }
  }
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
