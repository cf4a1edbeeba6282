/** Serves the account page: at / and where providers send users back to, with its assets next to it. */
import type { FastifyInstance } from 'fastify'
import type { AccountPageFiles } from './account-page-files.ts'
import { searchOf } from '../../http/http-request.ts'
import { serveStaticAssets } from '../../http/static-assets.ts'

export interface AccountPageOptions {
  readonly files: AccountPageFiles
  /** The origin under which users are meant to reach the page. */
  readonly publicUrl: string
  readonly isLoopback: (host: string) => boolean
}

/** Where the page itself is: it reads from the address what it shows. */
export const accountPagePaths = ['/', '/callback']

const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    // The page sends its forms itself, as JSON.
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-resource-policy': 'same-origin',
}
const assetHeaders = {
  // Of an SVG that is opened by itself: no script, and an origin of its own.
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
}

/** A plugin. The HTML is never cached, so a new version is seen at once; all else has a new name then. */
export async function accountPage(
  app: FastifyInstance,
  { files, publicUrl, isLoopback }: AccountPageOptions,
): Promise<void> {
  for (const path of accountPagePaths) {
    app.get(path, async (request, reply) => {
      // One machine, two names: what was started at one of them would not be known at the other.
      if (isOtherLoopbackName(request.headers.host, new URL(publicUrl), isLoopback)) {
        return reply.redirect(`${publicUrl}${path}${searchOf(request.url)}`, 307)
      }
      return reply.headers(pageHeaders).type('text/html; charset=utf-8').send(files.html)
    })
  }
  serveStaticAssets(app, '/assets', files.assets, assetHeaders)
}

/** `localhost` for `127.0.0.1`, and the other way round, on the same port. */
function isOtherLoopbackName(
  host: string | undefined,
  publicUrl: URL,
  isLoopback: (host: string) => boolean,
): boolean {
  if (host === undefined || host === publicUrl.host || !isLoopback(publicUrl.hostname)) return false
  const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined
  return url !== undefined && isLoopback(url.hostname) && url.port === publicUrl.port
}
