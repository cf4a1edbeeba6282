/** What the start warns of: settings that are allowed, and are rarely meant. */
import { isLoopback } from '../config/addresses.ts'
import { isReachedFromElsewhere } from '../config/reach.ts'
import type { Config } from '../config/config.ts'
import { addressOf } from '../database/postgresql-url.ts'
import { contrast } from '../features/account-page/contrast.ts'

/** WCAG 2.2, 1.4.3 (AA). */
const readableContrast = 4.5

export function startWarnings(config: Config): string[] {
  return [
    ...weaknesses(config),
    ...publicUrlWarnings(config),
    ...exposureWarnings(config),
    ...databaseWarnings(config),
    ...brandWarnings(config),
  ]
}

function weaknesses({ bcryptCost, throttle }: Config): string[] {
  return [
    ...(throttle
      ? []
      : ['THROTTLE=off: passwords can be guessed without limit. For benchmarks only.']),
    ...(bcryptCost < 10 ? [`BCRYPT_COST=${bcryptCost} makes weak hashes.`] : []),
  ]
}

function publicUrlWarnings({ publicUrl, tls, trustProxy }: Config): string[] {
  const { hostname, protocol } = new URL(publicUrl)
  const unset = `PUBLIC_URL is not set, so tokens name ${publicUrl} as their issuer`
  if (protocol === 'http:' && !isLoopback(hostname)) {
    return [
      `${unset}, and browsers do not keep users signed in: without https they drop the cookie of the session. Set PUBLIC_URL to the https address that users open.`,
    ]
  }
  if (hostname === '0.0.0.0' || hostname === '[::]') {
    return [`${unset}. Set it to the https address that users open.`]
  }
  if (protocol === 'https:' && !tls && trustProxy === false) {
    return [
      'PUBLIC_URL is https and nothing here ends TLS, so a proxy is in front, but TRUST_PROXY is off: all of its clients share one budget of attempts, and one of them can lock out the others. Set TRUST_PROXY to the address of the proxy, or to 1 if this port can only be reached through it.',
    ]
  }
  return []
}

/** What others can open because a variable says so; by default it is off for them. */
function exposureWarnings(config: Config): string[] {
  if (!isReachedFromElsewhere(config)) return []
  return [
    ...(config.sandbox
      ? ['SANDBOX=on: Apollo Sandbox and GraphiQL are open to everyone who can reach this server.']
      : []),
    ...(config.introspection
      ? ['INTROSPECTION=on: everyone who can reach this server can read the schema.']
      : []),
  ]
}

function databaseWarnings({ database }: Config): string[] {
  if (database.engine === 'sqlite') return []
  const servers = [database, ...database.replicas]
  return servers.some(({ tls, url }) => tls === undefined && !isOnThisMachine(addressOf(url).host))
    ? [
        'DATABASE_URL has no sslmode, so what goes to the database is not encrypted. Set sslmode=verify-full, or sslmode=disable on a private network.',
      ]
    : []
}

function brandWarnings({ accountPage, brand }: Config): string[] {
  const ratio = contrast(brand.textColor, brand.color)
  if (!accountPage || ratio >= readableContrast) return []
  return [
    `BRAND_TEXT_COLOR on BRAND_COLOR has a contrast of ${ratio.toFixed(1)}, which is hard to read: WCAG 2.2 asks for ${readableContrast}.`,
  ]
}

/** Loopback, or a socket in the file system. */
function isOnThisMachine(host: string): boolean {
  return host === '' || host.startsWith('/') || isLoopback(host)
}
