/** Serves the JWKS, the one response of the API that everyone may cache. */
import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

export interface JwksRouteOptions {
  readonly jwks: () => Promise<unknown>
  /** How long a copy may be used without asking again. */
  readonly jwksMaxAgeSeconds: number
}

export const jwksPath = '/.well-known/jwks.json'

export function jwksRoute(
  app: FastifyInstance,
  { jwks, jwksMaxAgeSeconds }: JwksRouteOptions,
): void {
  app.get(jwksPath, async (request, reply) => {
    reply.header('access-control-allow-origin', '*')
    const body = JSON.stringify(await jwks())
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
    // Not before the keys have been read: no one may cache a failure.
    reply.headers({ 'cache-control': `public, max-age=${jwksMaxAgeSeconds}`, etag })
    if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
    return reply.type('application/jwk-set+json').send(body)
  })
}

/** If-None-Match compares weakly (RFC 9110 section 13.1.2). No entity tag of ours has a comma in it. */
function matches(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || (tags.length === 1 && tags[0] === '*')
}
