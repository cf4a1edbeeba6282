/** The HTTP side: /graphql, the JWKS, health, and everything that is refused before GraphQL begins. */
import { randomUUID } from 'node:crypto'
import type { ApolloServer, BaseContext } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import fastify, {
  LogController,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { ErrorCode } from '../errors.ts'
import { normalizeAddress } from './client-address.ts'
import type { HttpRequest } from './http-request.ts'
import type { Logger } from './logger.ts'
import { readRefreshCookie, writeRefreshCookie, type CookiePolicy } from './refresh-cookie.ts'
import { relay } from './relay.ts'
import { sandboxContentSecurityPolicy } from './sandbox.ts'

export interface HttpServerOptions<C extends BaseContext> {
  readonly apollo: ApolloServer<C>
  readonly createContext: (request: HttpRequest) => Promise<C>
  readonly jwks: () => Promise<unknown>
  /** The redirect URI to which an answer that a provider posts goes on. */
  readonly relayTo: (provider: string, state: string) => Promise<string | undefined>
  readonly isReady: () => Promise<boolean>
  readonly log: Logger
  readonly cookiePolicy: CookiePolicy
  readonly allowedOrigins: readonly string[]
  readonly trustProxy: number | string[] | false
  readonly isHttps: boolean
}

const bodyLimitBytes = 100 * 1024
/** A request that takes longer to arrive, or to answer, is cut off. */
const requestTimeoutMilliseconds = 10_000
const requestIdShape = /^[\w.:-]{8,128}$/

export async function createHttpServer<C extends BaseContext>(
  options: HttpServerOptions<C>,
): Promise<FastifyInstance> {
  const { apollo, createContext, isHttps, isReady, jwks, log } = options
  const app = fastify({
    loggerInstance: log,
    // One line a request, without the query string: see onResponse below.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    trustProxy: trustedProxies(options.trustProxy),
    genReqId: (request) => {
      const given = options.trustProxy === false ? undefined : request.headers['x-request-id']
      return typeof given === 'string' && requestIdShape.test(given) ? given : randomUUID()
    },
    requestTimeout: requestTimeoutMilliseconds,
    handlerTimeout: requestTimeoutMilliseconds,
    http: {
      headersTimeout: requestTimeoutMilliseconds,
      connectionsCheckingInterval: 2000,
    },
    forceCloseConnections: 'idle',
  })

  // JSON is the one thing that can be posted here: every other type is a form that any page can send.
  app.removeContentTypeParser('text/plain')
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    reply.header('x-request-id', request.id)
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      throw httpError(415, 'A compressed request body is not accepted.')
    }
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime),
      },
      'request',
    )
  })
  app.setErrorHandler(sendError)
  app.setNotFoundHandler(
    notFound(['/graphql', '/.well-known/jwks.json', '/health/live', '/health/ready']),
  )

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: isHttps,
    xFrameOptions: { action: 'deny' },
    // The JWKS and, for allowed origins, the API are there to be read from elsewhere.
    crossOriginResourcePolicy: false,
  })
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
    handler: fastifyApolloHandler(apollo, {
      context: async (request, reply) =>
        createContext(toHttpRequest(request, reply, options.cookiePolicy)),
    }),
    onSend: async (_request, reply, payload) => {
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

/** Fastify itself refuses to count hops; whoever sets a number vouches that nobody gets past the proxies. */
function trustedProxies(trustProxy: number | string[] | false) {
  return typeof trustProxy === 'number'
    ? (_address: string, hop: number) => hop < trustProxy
    : trustProxy
}

function toHttpRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  policy: CookiePolicy,
): HttpRequest {
  return {
    id: request.id,
    log: request.log,
    authorization: request.headers.authorization,
    get client() {
      return {
        ip: normalizeAddress(request.ip) ?? normalizeAddress(request.socket.remoteAddress),
        userAgent: request.headers['user-agent'],
      }
    },
    refreshCookie: {
      read: () => readRefreshCookie(request, policy),
      write: (token, lifetimeSeconds) => writeRefreshCookie(reply, policy, token, lifetimeSeconds),
      clear: () => writeRefreshCookie(reply, policy, '', 0),
    },
  }
}

/** Every refusal has the shape of a GraphQL answer, so that a client needs one way to read errors. */
function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.code === 'ERR_INVALID_URL' ? 400 : (error.statusCode ?? 500)
  const requestId = request.id
  if (status >= 500) request.log.error({ err: error }, 'Unexpected error')
  const body =
    status >= 500
      ? {
          message: 'Internal server error',
          extensions: { code: ErrorCode.INTERNAL_SERVER_ERROR, requestId },
        }
      : {
          message: clientMessages[status] ?? 'The request is not valid.',
          extensions: { code: status === 413 ? ErrorCode.PAYLOAD_TOO_LARGE : 'BAD_REQUEST' },
        }
  void reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ errors: [body] }))
}

const clientMessages: Record<number, string> = {
  400: 'The request body is not valid JSON.',
  404: 'There is nothing here.',
  405: 'This method is not allowed here.',
  413: `The request body is larger than ${bodyLimitBytes / 1024} KiB.`,
  415: 'The request body must be uncompressed JSON: send Content-Type: application/json.',
}

function notFound(paths: readonly string[]) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const path = request.url.split('?', 1)[0]!
    const isKnown = paths.includes(path)
    if (isKnown) reply.header('allow', path === '/graphql' ? 'GET, POST, OPTIONS' : 'GET')
    const { statusCode, message } = httpError(isKnown ? 405 : 404, '')
    sendError(Object.assign(new Error(message), { statusCode, code: '', name: '' }), request, reply)
  }
}

function httpError(statusCode: number, message: string): Error & { statusCode: number } {
  return Object.assign(new Error(message), { statusCode })
}
