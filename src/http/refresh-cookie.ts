/** The cookie that carries a browser's refresh token, and who may use it. */
import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface CookiePolicy {
  readonly name: string
  readonly isSecure: boolean
  /** Origins whose pages may use the cookie, beside the server's own. */
  readonly origins: ReadonlySet<string>
}

/** @param isSecure false only for plain http on loopback, where browsers refuse the `__Host-` prefix */
export function createCookiePolicy(isSecure: boolean, origins: readonly string[]): CookiePolicy {
  return {
    name: isSecure ? '__Host-latchkey-refresh' : 'latchkey-refresh',
    isSecure,
    origins: new Set(origins),
  }
}

/**
 * The token that the browser sent. None for a request of another site, and none where two cookies of
 * the name came: one of them was planted.
 */
export function readRefreshCookie(
  request: FastifyRequest,
  policy: CookiePolicy,
): string | undefined {
  const header = request.headers.cookie
  if (header === undefined || !mayUseCookie(request, policy)) return undefined
  const sent = header.split(';').filter((pair) => pair.split('=')[0]!.trim() === policy.name)
  return sent.length === 1 ? parseCookie(sent[0]!)[policy.name] : undefined
}

export function writeRefreshCookie(
  reply: FastifyReply,
  policy: CookiePolicy,
  value: string,
  maxAge: number,
): void {
  reply.header(
    'set-cookie',
    stringifySetCookie({
      name: policy.name,
      value,
      maxAge,
      path: '/',
      httpOnly: true,
      secure: policy.isSecure,
      sameSite: 'strict',
    }),
  )
}

/**
 * SameSite=Strict keeps other sites out where browsers know it; the origin is looked at all the same,
 * since a sibling subdomain is the same site. Clients that are no browsers send neither header.
 */
function mayUseCookie(request: FastifyRequest, policy: CookiePolicy): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (site === 'same-origin') return true
  if (origin !== undefined) return policy.origins.has(origin)
  return site === undefined || site === 'none'
}
