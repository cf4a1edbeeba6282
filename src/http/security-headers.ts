/** Helmet's headers for every response. None depends on the request, so they are made once. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'

/** @returns the headers by name, in lower case */
export function securityHeaders(isHttps: boolean): Record<string, string> {
  const headers: Record<string, string> = {}
  const response = {
    setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value),
    removeHeader: () => {},
  }
  const setHeaders = helmet({
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
  setHeaders({} as IncomingMessage, response as unknown as ServerResponse, () => {})
  return headers
}
