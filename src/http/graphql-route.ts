/** /graphql: passes Fastify's request to Apollo and sends its response (bench/NOTES.md says why without an integration). */
import type { IncomingMessage } from 'node:http'
import { HeaderMap, type ApolloServer, type BaseContext } from '@apollo/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { searchOf, type HttpRequest } from './http-request.ts'
import { createRefreshCookie, type CookiePolicy } from './refresh-cookie.ts'
import type { RefusalPace } from './refusal-pace.ts'

export interface GraphqlRouteOptions<C extends BaseContext> {
  readonly apollo: ApolloServer<C>
  readonly createContext: (request: HttpRequest) => Promise<C>
  readonly cookiePolicy: CookiePolicy
  /** The client IP. */
  readonly addressOf: (request: IncomingMessage) => string | undefined
  readonly refusalPace: RefusalPace
  readonly landingPageHeaders: Readonly<Record<string, string>> | undefined
}

export function graphqlRoute<C extends BaseContext>(
  app: FastifyInstance,
  options: GraphqlRouteOptions<C>,
): void {
  const { addressOf, apollo, createContext, landingPageHeaders, refusalPace } = options
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const httpRequest = new FastifyHttpRequest(request, reply, options)
      const { body, headers, status } = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: request.method,
          headers: headersForApollo(request),
          search: withoutEmptyParameters(searchOf(request.url)),
          body: withoutEmptyOperationName(request.body),
        },
        context: () => createContext(httpRequest),
      })
      // Only operations with @defer come in parts, and graphql-js 16 has none.
      if (body.kind !== 'complete') throw new Error('The answer came in parts')
      if (httpRequest.isRefused || (status !== undefined && status >= 400 && status < 500)) {
        await refusalPace.turn(addressOf(request.raw), reply.elapsedTime)
      } else if (httpRequest.costlyFields > 0) {
        const { costlyFields } = httpRequest
        await refusalPace.costlyTurn(addressOf(request.raw), reply.elapsedTime, costlyFields)
      }
      reply.code(status ?? 200)
      for (const [name, value] of headers) reply.header(name, value)
      // Apollo has a value of its own for some responses.
      reply.header('cache-control', 'no-store')
      if (headers.get('content-type')?.startsWith('text/html') === true) {
        reply.headers(landingPageHeaders ?? {})
      }
      return body.string
    },
  })
}

/** The parameters of a GET that may be left out, and for which the empty string means the same. */
const optionalParameters = ['operationName', 'variables', 'extensions']

/** GraphQL over HTTP has an empty parameter be an absent one; Apollo looks for an operation with that name. */
function withoutEmptyParameters(search: string): string {
  const parameters = new URLSearchParams(search)
  const empty = optionalParameters.filter((name) => {
    const values = parameters.getAll(name)
    return values.length === 1 && values[0] === ''
  })
  if (empty.length === 0) return search
  for (const name of empty) parameters.delete(name)
  return `?${parameters.toString()}`
}

/** The same for the body of a POST. */
function withoutEmptyOperationName(body: unknown): unknown {
  const isEmpty =
    typeof body === 'object' &&
    body !== null &&
    (body as { operationName?: unknown }).operationName === ''
  return isEmpty ? { ...body, operationName: null } : body
}

/** As long as the columns that keep it: a client may send kilobytes. */
const userAgentCharacters = 512

/** What asks for no more than the media type that a response has if nothing is asked for. */
const plainAccept = new Set(['*/*', 'application/json'])

function headersForApollo({ headers, method }: FastifyRequest): HeaderMap {
  const map = new HeaderMap()
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || value === '') continue
    // Apollo negotiates twice for each request that has one (bench/NOTES.md).
    if (name === 'accept' && method === 'POST' && plainAccept.has(value as string)) continue
    map.set(name, typeof value === 'string' ? value : value.join(', '))
  }
  return map
}

type RequestOptions = Pick<GraphqlRouteOptions<BaseContext>, 'addressOf' | 'cookiePolicy'>

/**
 * A class, although a literal would be shorter: V8 gives every literal with a getter a hidden class of
 * its own, and that kept whole requests alive until the next full collection (bench/NOTES.md).
 */
class FastifyHttpRequest implements HttpRequest {
  isRefused = false
  costlyFields = 0
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #options: RequestOptions
  #origin: HttpRequest['origin'] | undefined
  #refreshCookie: HttpRequest['refreshCookie'] | undefined

  constructor(request: FastifyRequest, reply: FastifyReply, options: RequestOptions) {
    this.#request = request
    this.#reply = reply
    this.#options = options
  }

  get id() {
    return this.#request.id
  }

  noteRefusal() {
    this.isRefused = true
  }

  noteCostlyField() {
    this.costlyFields += 1
  }

  get log() {
    return this.#request.log
  }

  get authorization() {
    return this.#request.headers.authorization
  }

  get origin() {
    const { headers, raw } = this.#request
    return (this.#origin ??= {
      ip: this.#options.addressOf(raw),
      userAgent: headers['user-agent']?.slice(0, userAgentCharacters),
    })
  }

  get refreshCookie() {
    return (this.#refreshCookie ??= createRefreshCookie(
      this.#request,
      this.#reply,
      this.#options.cookiePolicy,
    ))
  }
}
