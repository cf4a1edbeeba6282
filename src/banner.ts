/** What a start prints: where to go next, and what to be warned of. */
import type { Config } from './config.ts'
import { isLoopback } from './config.formats.ts'
import { hostOf } from './database/postgresql-url.ts'

/**
 * @param url where the server listens
 * @param metricsUrl where the metrics are, if anywhere
 */
export function describeStart(config: Config, url: string, metricsUrl?: string): string {
  const { database } = config
  const lines = [
    '',
    `  Latchkey is listening on ${url}`,
    '',
    ...(config.accountPage ? [`  Account    ${url}/`] : []),
    ...(config.sandbox
      ? [
          `  Sandbox    ${url}/graphql  (open it in a browser)`,
          `  GraphiQL   ${url}/graphiql  (the same, offline)`,
        ]
      : []),
    `  GraphQL    ${url}/graphql`,
    `  JWKS       ${url}/.well-known/jwks.json`,
    ...(metricsUrl === undefined ? [] : [`  Metrics    ${metricsUrl}/metrics`]),
    `  Database   ${database.engine === 'sqlite' ? database.file : withoutCredentials(database.url)}`,
    '',
    '  Try it:',
    `  curl -s ${url}/graphql -H 'content-type: application/json' -d '${JSON.stringify({ query: firstOperation(config) })}'`,
    '',
    ...warnings(config).map((warning) => `  Warning: ${warning}\n`),
  ]
  return lines.join('\n')
}

/** Something that works at once; there is no quote in it that a shell would take for its own. */
function firstOperation({ registration }: Config): string {
  return registration === 'open'
    ? 'mutation { register(email: "ada@example.com", password: "correct horse battery") { accessToken refreshToken user { id email } } }'
    : '{ providers { id name } }'
}

function warnings(config: Config): string[] {
  const list: string[] = []
  if (!config.throttle) {
    list.push('THROTTLE=off: passwords can be guessed without limit. For benchmarks only.')
  }
  if (config.bcryptCost < 10) list.push(`BCRYPT_COST=${config.bcryptCost} makes weak hashes.`)
  const { hostname, protocol } = new URL(config.publicUrl)
  if (protocol === 'http:' && !isLoopback(hostname)) {
    list.push(
      `PUBLIC_URL is not set, so tokens name ${config.publicUrl} as their issuer. Set it to the https address that people use.`,
    )
  }
  const { database } = config
  if (database.engine === 'postgresql') {
    const servers = [database, ...database.replicas]
    if (servers.some(({ tls, url }) => tls === undefined && !isOnThisMachine(hostOf(url)))) {
      list.push(
        'DATABASE_URL has no sslmode, so what goes to the database is not encrypted. Set sslmode=verify-full, or sslmode=disable on a private network.',
      )
    }
  }
  return list
}

/** Loopback, or a socket in the file system. */
function isOnThisMachine(host: string): boolean {
  return host === '' || host.startsWith('/') || isLoopback(host)
}

function withoutCredentials(text: string): string {
  const url = new URL(text)
  return `${url.protocol}//${url.host}${url.pathname}`
}
