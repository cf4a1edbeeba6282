/** The cookie that carries a browser's refresh token, and who may use it. */
import { createHash } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface CookiePolicy {
  readonly name: string
  readonly isSecure: boolean
  /** Origins whose pages may use the cookie, in addition to the server's own. */
  readonly origins: ReadonlySet<string>
}

export interface CookiePolicyOptions {
  /** False only for plain http on loopback, where browsers refuse the `__Host-` prefix. */
  readonly isSecure: boolean
  readonly publicUrl: string
  readonly issuer: string
  /** Other origins whose pages may use the cookie. */
  readonly allowedOrigins: readonly string[]
}

export function createCookiePolicy(options: CookiePolicyOptions): CookiePolicy {
  const { allowedOrigins, isSecure, publicUrl } = options
  return {
    name: `${isSecure ? '__Host-' : ''}latchkey-refresh${nameSuffix(options)}`,
    isSecure,
    origins: new Set([new URL(publicUrl).origin, ...allowedOrigins]),
  }
}

/**
 * All ports of a host share its cookies (RFC 6265 section 8.5), those with `__Host-` too. Only the server
 * that has the https port to itself needs no name of its own.
 */
function nameSuffix({ isSecure, issuer, publicUrl }: CookiePolicyOptions): string {
  const { origin, port, protocol } = new URL(publicUrl)
  if (isSecure && protocol === 'https:' && port === '' && issuer === origin) return ''
  const digest = createHash('sha256').update(`${origin}\n${issuer}`).digest('base64url')
  return `-${digest.slice(0, 8)}`
}

/** The cookie of one request: the one that came with it, until the response has another one. */
export interface RequestRefreshCookie {
  read(): string | undefined
  write(refreshToken: string, lifetimeSeconds: number): void
  clear(): void
}

/**
 * What a field of an operation writes, the next one reads: a second sign-in replaces the session of the
 * first, and a logout ends it. The response sets the cookie once (RFC 6265 section 4.1.1).
 */
export function createRefreshCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  policy: CookiePolicy,
): RequestRefreshCookie {
  let written: { readonly value: string | undefined } | undefined
  const set = (value: string | undefined, maxAge: number) => {
    written = { value }
    writeRefreshCookie(reply, policy, value ?? '', maxAge)
  }
  return {
    read: () => (written ? written.value : readRefreshCookie(request, policy)),
    write: set,
    clear: () => set(undefined, 0),
  }
}

/**
 * The token that the browser sent. None for a request of another site, and none if two cookies of
 * the name came: one of them was planted.
 */
function readRefreshCookie(request: FastifyRequest, policy: CookiePolicy): string | undefined {
  const header = request.headers.cookie
  if (header === undefined || !mayUseCookie(request, policy)) return undefined
  const sent = header.split(';').filter((pair) => pair.split('=')[0]!.trim() === policy.name)
  return sent.length === 1 ? parseCookie(sent[0]!)[policy.name] : undefined
}

function writeRefreshCookie(
  reply: FastifyReply,
  policy: CookiePolicy,
  value: string,
  maxAge: number,
): void {
  // Fastify would add a second header to the one of an earlier field.
  reply.removeHeader('set-cookie').header(
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
