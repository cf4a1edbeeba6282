/** Logs that a page of another origin called, which otherwise only the console of its browser says. */
import type { FastifyRequest } from 'fastify'
import type { Logger } from '../logging/logger.ts'
import { OccasionalWarning } from './occasional-warning.ts'

/** Any page on the internet can have its visitors cause this line. */
const intervalMilliseconds = 60_000
const longestOrigin = 200

export function refusedOriginLog(
  /** The server's own among them. */
  origins: ReadonlySet<string>,
  log: Logger,
  clock: () => number,
): (request: FastifyRequest) => void {
  const warning = new OccasionalWarning(log, clock, intervalMilliseconds)
  return ({ url, headers: { origin, 'sec-fetch-site': site } }) => {
    // The rest is open to every page, or no page calls it.
    if (!url.startsWith('/graphql')) return
    // Only for pages on https and loopback do browsers say that a request is of the same origin.
    if (origin === undefined || origins.has(origin) || site === 'same-origin') return
    warning.log(
      { origin: origin.slice(0, longestOrigin) },
      'A page called whose origin is neither that of PUBLIC_URL nor in ALLOWED_ORIGINS: it cannot read the response, nor use the cookie',
    )
  }
}
