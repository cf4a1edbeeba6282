/** What is refused before GraphQL starts, in the shape of a GraphQL response. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { finished } from 'node:stream'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { isUnavailable } from '../database/unavailable.ts'
import { ErrorCode } from '../core/errors.ts'

export const bodyLimitBytes = 100 * 1024

/** Delays what the client is to blame for, if there is too much of it. */
export type Pace = (request: FastifyRequest, reply: FastifyReply, send: () => void) => void

/**
 * Every refusal has the shape of a GraphQL response, so that a client needs one way to read errors. It
 * is sent when the rest of the request has been read, and dropped.
 */
export function errorSender(pace: Pace) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const status = statusOf(error)
    if (status === 503) void reply.header('retry-after', '1')
    if (status >= 500) request.log.error({ err: error }, 'Unexpected error')
    reply.code(status).type('application/json; charset=utf-8')
    const body = status >= 500 ? maskedError(request.id) : refusal(status, error.code)
    const send = () => void reply.send(body)
    if (status >= 500 || status === 408) send()
    else if (request.raw.complete) pace(request, reply, send)
    else readRest(request, () => pace(request, reply, send))
  }
}

/**
 * A connection that is closed with bytes unread is reset, and the response may be lost on the way (RFC
 * 9112 section 9.6): to a client that is still writing, or a proxy that is. It waits no longer than a
 * fifth of what a request may take.
 */
function readRest({ raw, server }: FastifyRequest, then: () => void): void {
  const signal = AbortSignal.timeout(server.server.requestTimeout / 5)
  finished(raw.resume(), { signal }, then)
}

function statusOf(error: FastifyError): number {
  // A client that goes away has a status already, and a code that a database may have as well.
  return error.statusCode ?? (isUnavailable(error) ? 503 : 500)
}

/** Connections that wait for their refusal: whatever else comes on them is dropped. */
const refused = new WeakSet<Socket>()

/**
 * What Node itself refuses before there is a request: written to the socket, which is then closed.
 * @param pace delays it if there are too many
 */
export function refuseConnection(
  error: NodeJS.ErrnoException,
  socket: Socket,
  pace: (socket: Socket, send: () => void) => void,
): void {
  if (refused.has(socket)) return
  // Without a handshake nothing can be written, and Node leaves the end of it to us.
  const isSilent = error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT'
  if (error.code === 'ECONNRESET' || isSilent || !socket.writable) {
    socket.destroy()
    return
  }
  const status = connectionErrors[error.code ?? ''] ?? 400
  const body = refusal(status, status === 400 ? 'HPE_INVALID' : '')
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    ...Object.entries(bareHeaders).map(([name, value]) => `${name}: ${value}`),
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  refused.add(socket)
  pace(socket, () => socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy()))
}

/** Of responses that no hook sees. */
export const bareHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const connectionErrors: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
}

function maskedError(requestId: string): string {
  const extensions = { code: ErrorCode.INTERNAL_SERVER_ERROR, requestId }
  return JSON.stringify({ errors: [{ message: 'Internal server error', extensions }] })
}

function refusal(status: number, errorCode: string): string {
  const message = clientMessages[errorCode] ?? clientMessages[status] ?? 'The request is not valid.'
  const code = status === 413 ? ErrorCode.PAYLOAD_TOO_LARGE : 'BAD_REQUEST'
  return JSON.stringify({ errors: [{ message, extensions: { code } }] })
}

const clientMessages: Record<string | number, string> = {
  FST_ERR_BAD_URL: 'The URL is not valid.',
  HPE_INVALID: 'This is not a valid HTTP request.',
  400: 'The request body is not valid JSON in UTF-8.',
  404: 'Not found.',
  405: 'Method not allowed.',
  408: 'The request took too long to arrive.',
  413: `The request body is larger than ${bodyLimitBytes / 1024} KiB.`,
  415: 'The request body must be uncompressed JSON: send Content-Type: application/json.',
  431: 'The request header is too large.',
}

/** Responds with 405 if the path is one of ours, else 404. */
export function notFound(paths: readonly string[], sendError: ReturnType<typeof errorSender>) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const path = request.url.split('?', 1)[0]!
    const isKnown = paths.includes(path)
    if (isKnown) reply.header('allow', path === '/graphql' ? 'GET, POST, OPTIONS' : 'GET')
    const { statusCode, message } = httpError(isKnown ? 405 : 404, '')
    sendError(Object.assign(new Error(message), { statusCode, code: '', name: '' }), request, reply)
  }
}

/** What a hook throws to refuse a request; the message is for the log. */
export function httpError(statusCode: number, message: string): Error & { statusCode: number } {
  return Object.assign(new Error(message), { statusCode })
}
