/** docs/reference/http.md: the one table of the HTTP endpoints. */
import { graphiqlPath } from '../../src/features/sandbox/sandbox.ts'
import { jwksPath } from '../../src/http/jwks.ts'

export interface Endpoint {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly description: string
}

export const endpoints: readonly Endpoint[] = [
  {
    method: 'POST',
    path: '/graphql',
    description: 'The API: JSON, one operation per request, at most 100 KiB.',
  },
  {
    method: 'GET',
    path: '/graphql',
    description:
      'In a browser Apollo Sandbox, if `SANDBOX` is on. Queries too, with the header `apollo-require-preflight`.',
  },
  {
    method: 'GET',
    path: graphiqlPath,
    description:
      'GraphiQL with the same example operations, if `SANDBOX` is on. It loads nothing from other servers.',
  },
  {
    method: 'GET',
    path: '/',
    description: 'The account page, if `ACCOUNT_PAGE` is on.',
  },
  {
    method: 'GET',
    path: '/callback',
    description: 'The account page after a sign-in with a provider: its redirect URI.',
  },
  {
    method: 'POST',
    path: '/providers/apple/callback',
    description:
      'Takes the form that Apple posts (`form_post`), and redirects with code and state to the redirect URI.',
  },
  {
    method: 'GET',
    path: jwksPath,
    description:
      'The public keys that verify access tokens (RFC 7517). May be cached for five minutes.',
  },
  {
    method: 'GET',
    path: '/health/live',
    description: '200 as long as the process responds.',
  },
  {
    method: 'GET',
    path: '/health/ready',
    description:
      '200 if the database responds and its schema is up to date; otherwise 503, also as soon as the server stops.',
  },
]

export function http(): string[] {
  return [
    '# HTTP endpoints',
    ...endpoints.flatMap(({ method, path, description }) => [
      `## \`${method} ${path}\``,
      description,
    ]),
    '## The metrics listener',
    `\`GET /metrics\`, for Prometheus, is on a listener of its own (\`METRICS_PORT\`), never on the one above:
[Metrics](../guides/metrics.md).`,
    '## Requests and the log',
    `Every response has the header \`x-request-id\`. The log, on standard output, has one JSON line per request with the
same id.`,
  ]
}
