/** What a start prints: where to go next, and what to be warned of. */
import type { Config } from '../config/config.ts'
import { startWarnings } from './start-warnings.ts'

/**
 * @param url where the server listens
 * @param metricsUrl where the metrics are, if anywhere
 * @param warnings in addition to those of the configuration
 */
export function describeStart(
  config: Config,
  url: string,
  metricsUrl?: string,
  warnings: readonly string[] = [],
): string {
  const { database, publicUrl } = config
  // With PORT=0 no one knows the port before the server listens.
  const origin = new URL(publicUrl).port === '0' ? url : publicUrl
  const lines = [
    '',
    `  Latchkey is listening on ${url}`,
    '',
    ...(origin === url ? [] : [`  Public     ${origin}`]),
    ...(config.accountPage ? [`  Account    ${origin}/`] : []),
    ...(config.sandbox
      ? [
          `  Sandbox    ${origin}/graphql  (open it in a browser)`,
          `  GraphiQL   ${origin}/graphiql  (the same, offline)`,
        ]
      : []),
    `  GraphQL    ${origin}/graphql`,
    `  JWKS       ${origin}/.well-known/jwks.json`,
    ...(metricsUrl === undefined ? [] : [`  Metrics    ${metricsUrl}/metrics`]),
    `  Database   ${database.engine === 'sqlite' ? database.file : withoutCredentials(database.url)}`,
    '',
    '  Try it:',
    `  curl -s ${url}/graphql -H 'content-type: application/json' -d '${JSON.stringify({ query: firstOperation(config) })}'`,
    '',
    ...[...startWarnings(config), ...warnings].map((warning) => `  Warning: ${warning}\n`),
  ]
  return lines.join('\n')
}

/** Something that works at once, with an account that the documentation does not create; there is no quote in it that a shell would take for its own. */
function firstOperation({ registration }: Config): string {
  return registration === 'open'
    ? 'mutation { register(email: "hedy@example.com", password: "correct horse battery") { accessToken refreshToken user { id email } } }'
    : '{ providers { id name } }'
}

function withoutCredentials(text: string): string {
  const url = new URL(text)
  return `${url.protocol}//${url.host}${url.pathname}`
}
