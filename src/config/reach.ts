/** Where the server is, and who can reach it, by its configuration. */
import { isIP } from 'node:net'
import { isLoopback } from './addresses.ts'
import type { Config } from './types.ts'

/** The origin of HOST and PORT as browsers write it: without the scheme's own port. */
export function ownOrigin({ host, port, tls }: Config): string {
  const hostInUrl = isIP(host) === 6 ? `[${host.replace(/%.*/, '')}]` : host
  return new URL(`${tls ? 'https' : 'http'}://${hostInUrl}:${port}`).origin
}

/** Whether other machines reach the server: directly, or by a proxy on this machine. */
export function isReachedFromElsewhere(
  config: Pick<Config, 'host' | 'publicUrl' | 'trustProxy'>,
): boolean {
  return (
    !isLoopback(config.host) ||
    !isLoopback(new URL(config.publicUrl).hostname) ||
    config.trustProxy !== false
  )
}
