/** Creates Node's server for Fastify, with its limits of time. */
import type { Server } from 'node:http'
import { DrainingHttpServer, DrainingHttpsServer, type Draining } from './draining.ts'
import type { ServerCertificate } from './server-certificate.ts'

export interface NodeServerOptions {
  /** Where TLS ends here. */
  readonly certificate?: ServerCertificate | undefined
  /** A request that takes longer to arrive, or whose response takes longer, is cut off. */
  readonly requestTimeoutMilliseconds: number
  /** An idle connection is closed after this long. */
  readonly keepAliveMilliseconds: number
}

export function createNodeServer(options: NodeServerOptions, draining: Draining): Server {
  const { certificate, keepAliveMilliseconds, requestTimeoutMilliseconds } = options
  const times = {
    headersTimeout: requestTimeoutMilliseconds,
    requestTimeout: requestTimeoutMilliseconds,
    keepAliveTimeout: keepAliveMilliseconds,
    connectionsCheckingInterval: requestTimeoutMilliseconds / 5,
  }
  const server = certificate
    ? createHttpsServer(certificate, times, draining)
    : new DrainingHttpServer(times, draining)
  // Without a byte in either direction: a response that no one reads has no other limit.
  server.setTimeout(2 * requestTimeoutMilliseconds)
  draining.watchConnections(server)
  return server
}

function createHttpsServer(
  certificate: ServerCertificate,
  times: { readonly requestTimeout: number },
  draining: Draining,
): DrainingHttpsServer {
  const server = new DrainingHttpsServer(
    { ...times, handshakeTimeout: times.requestTimeout, ...certificate.options },
    draining,
  )
  certificate.keepUpToDate(server)
  return server
}
