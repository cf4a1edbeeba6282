/** Ends a request that takes too long, on either side. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { httpError } from './refusals.ts'

/**
 * Responds with 408 if a body has not arrived, 503 if a handler takes too long. Fastify's
 * `handlerTimeout` does the latter too, but aborts a signal at the end of every request, which was
 * the dearest thing on the way (bench/NOTES.md).
 */
export function cutOff(request: FastifyRequest, reply: FastifyReply): void {
  // A refusal that waits for the rest of its request has its status, and an end to its waiting.
  // One whose body is being sent is limited by the connection's own time without a byte.
  if (reply.raw.headersSent || reply.statusCode >= 400) return
  if (request.raw.complete) void reply.send(httpError(503, 'The handler took too long'))
  else void reply.header('connection', 'close').send(httpError(408, 'The body did not arrive'))
}
