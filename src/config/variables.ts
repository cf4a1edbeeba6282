/**
 * The one list of variables. What reads the environment, checks for misspelled names, and writes
 * docs/reference/configuration.md and .env.example comes from here.
 */
import { isReachedFromElsewhere, ownOrigin } from './reach.ts'
import { parseDatabaseUrl } from './database.ts'
import * as format from './formats.ts'
import type { Config } from './types.ts'
import { variable, type Computed, type Variable } from './variable.ts'

const onlyHere: Computed<boolean> = {
  words: 'on if only this machine can reach the server',
  value: (config) => !isReachedFromElsewhere(config),
}

/** By the headings of the documentation. A computed default sees the variables above its own. */
export const variableGroups = {
  'The server': {
    HOST: variable('host', {
      default: '127.0.0.1',
      parse: format.hostName,
      description: 'IP address or host name to listen on.',
    }),
    PORT: variable('port', {
      default: '4000',
      parse: format.integer(0, 65_535),
      description: 'Port to listen on; 0 takes a free one.',
    }),
    WORKERS: variable('workers', {
      default: '1',
      parse: format.workerCount,
      description: 'Number of server processes on this machine; `auto` starts one per processor.',
    }),
    TLS_CERT: variable('tls.certificateFile', {
      parse: String,
      description:
        'File with the certificate and its chain, for https without a proxy. Reloaded within a minute of a change, or immediately on SIGHUP.',
    }),
    TLS_KEY: variable('tls.keyFile', {
      parse: String,
      description: "File with the certificate's private key.",
    }),
    PUBLIC_URL: variable('publicUrl', {
      default: { words: 'http://HOST:PORT, https with TLS_CERT', value: ownOrigin },
      parse: format.origin,
      description: 'The origin under which users reach the server. https, unless it is loopback.',
    }),
    TRUST_PROXY: variable('trustProxy', {
      default: 'off',
      parse: format.trustedProxies,
      description: 'Number of proxies in front, or their IP addresses (CIDR), separated by commas.',
    }),
    KEEP_ALIVE_TIMEOUT: variable('keepAliveSeconds', {
      default: {
        words: '72s, 620s with TRUST_PROXY',
        value: ({ trustProxy }) => (trustProxy === false ? 72 : 620),
      },
      parse: format.durationWithin('620s', '1s', '1h'),
      description:
        'An idle connection is closed after this time, at most 1h. Behind a proxy, choose more than the proxy keeps its own idle connections.',
    }),
    SHUTDOWN_DELAY: variable('shutdownDelaySeconds', {
      ...format.duration('0s', '0s', '3s'),
      description:
        'After SIGTERM the server reports that it is not ready, and continues to serve for this time, at most 3s. Behind a proxy, choose more than the proxy takes to notice.',
    }),
    LOG_LEVEL: variable('logLevel', {
      default: 'info',
      parse: format.oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
      description: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.',
    }),
    METRICS_PORT: variable('metrics.port', {
      default: 'off',
      parse: format.optionalPort,
      description: 'Port of a listener for Prometheus, at /metrics; 0 takes a free one.',
    }),
    METRICS_HOST: variable('metrics.host', {
      default: '127.0.0.1',
      parse: format.hostName,
      appliesTo: ({ metrics }) => metrics !== undefined,
      description: 'IP address or host name of that listener.',
    }),
  },
  'The database': {
    DATABASE_URL: variable('database', {
      default: 'sqlite:data/latchkey.db',
      // The variables below add the rest.
      parse: parseDatabaseUrl as (text: string) => Config['database'],
      description:
        '`sqlite:<file>` or `postgres://user:password@host:port/database?sslmode=verify-full`.',
    }),
    DATABASE_SCHEMA: variable('database.schema', {
      default: { words: "the first schema of the role's search path", value: () => undefined },
      parse: format.schemaName,
      appliesTo: isPostgresql,
      description: "PostgreSQL schema that holds Latchkey's tables; it must exist.",
    }),
    DATABASE_POOL_SIZE: variable('database.poolSize', {
      default: '10',
      parse: format.integer(1, 1000),
      appliesTo: isPostgresql,
      description: 'The most connections of each process to a PostgreSQL server.',
    }),
    DATABASE_REPLICA_URLS: variable('database.replicas', {
      default: '',
      parse: format.replicaUrls,
      appliesTo: isPostgresql,
      description:
        'URLs of PostgreSQL read replicas, separated by commas, for lists that tolerate replication lag.',
    }),
  },
  'Keys, tokens and sessions': {
    APP_SECRET: variable('appSecret', {
      default: { words: 'created on first start, next to the SQLite file', value: () => undefined },
      parse: format.secret,
      description:
        'At least 32 random bytes. Signs refresh tokens and encrypts signing keys. Required with PostgreSQL, or if HOST is not loopback.',
    }),
    TOKEN_ISSUER: variable('tokens.issuer', {
      default: { words: 'PUBLIC_URL', value: ({ publicUrl }) => publicUrl },
      parse: String,
      description: 'The `iss` claim of access tokens.',
    }),
    TOKEN_AUDIENCE: variable('tokens.audiences', {
      default: '',
      parse: format.serviceNames,
      complete: (names, { tokens }) => [...new Set([...names, tokens.issuer])],
      description:
        'Other services that access tokens are for, separated by commas. The `aud` claim has these, and TOKEN_ISSUER for this server.',
    }),
    TOKEN_CLIENT_ID: variable('tokens.clientId', {
      default: 'latchkey',
      parse: format.clientId,
      description:
        'The `client_id` claim of access tokens: the name of your own front ends as an OAuth client.',
    }),
    TOKEN_ALGORITHM: variable('tokens.algorithm', {
      default: 'EdDSA',
      parse: format.oneOf('EdDSA', 'ES256', 'RS256'),
      description: '`EdDSA`, `ES256` or `RS256`.',
    }),
    ACCESS_TOKEN_LIFETIME: variable('tokens.lifetimeSeconds', {
      ...format.duration('15m', '1s', '24h'),
      description: 'Lifetime of an access token, at most 24h.',
    }),
    KEY_ROTATION_INTERVAL: variable('tokens.keyRotationSeconds', {
      ...format.duration('90d', '1h', '3650d'),
      description: 'Age at which the signing key is replaced.',
    }),
    SESSION_IDLE_LIFETIME: variable('sessions.idleLifetimeSeconds', {
      ...format.duration('30d', '1s', '3650d'),
      description: 'A session expires if it is not refreshed for this time.',
    }),
    SESSION_MAX_LIFETIME: variable('sessions.maxLifetimeSeconds', {
      ...format.duration('365d', '1s', '3650d'),
      description: 'A session expires at this age in any case.',
    }),
    REFRESH_GRACE: variable('sessions.graceSeconds', {
      ...format.duration('30s', '0s', '5m'),
      description:
        'For this time, at most 5m, a refresh token that was already replaced still returns the same successor.',
    }),
  },
  'Who may sign in, and from where': {
    REGISTRATION: variable('registration', {
      default: 'open',
      parse: format.oneOf('open', 'closed'),
      description: '`open`, or `closed`: only operators create accounts.',
    }),
    BCRYPT_COST: variable('bcryptCost', {
      default: '12',
      parse: format.integer(4, 15),
      description: 'Cost of password hashes, 4 to 15; the start warns of a cost below 10.',
    }),
    THROTTLE: variable('throttle', {
      default: 'on',
      parse: format.toggle,
      description:
        '`off` removes every limit on attempts: for benchmarks on a closed network only.',
    }),
    ALLOWED_ORIGINS: variable('allowedOrigins', {
      default: '',
      parse: format.originList,
      description:
        'Origins of front ends that may call from a browser, separated by commas; also of apps, such as capacitor://localhost.',
    }),
    REDIRECT_URIS: variable('redirectUris', {
      default: '',
      parse: format.redirectUris,
      description:
        "Where providers' responses may go, separated by commas, compared character by character. An entry such as http://127.0.0.1/callback (or [::1]) without a port allows any port.",
    }),
    AUDIT_RETENTION: variable('auditRetentionSeconds', {
      ...format.duration('90d', '1h', '3650d'),
      description: 'Age at which events of the audit trail are removed.',
    }),
  },
  Pages: {
    INTROSPECTION: variable('introspection', {
      default: onlyHere,
      parse: format.toggle,
      description:
        '`on` or `off`. On by default if HOST and PUBLIC_URL are loopback and TRUST_PROXY is off.',
    }),
    SANDBOX: variable('sandbox', {
      default: onlyHere,
      parse: format.toggle,
      description:
        '`on` or `off`: Apollo Sandbox at /graphql, GraphiQL at /graphiql. The same default as INTROSPECTION.',
    }),
    ACCOUNT_PAGE: variable('accountPage', {
      default: 'on',
      parse: format.toggle,
      description: '`on` or `off`: the account page at /.',
    }),
    BRAND_NAME: variable('brand.name', {
      default: 'Latchkey',
      parse: format.brandName,
      description: 'Name of your service on the account page.',
    }),
    BRAND_LOGO: variable('brand.logoFile', {
      parse: format.logoFile,
      description: 'File with the logo on the account page: .svg or .png, at most 256 KiB.',
    }),
    BRAND_COLOR: variable('brand.color', {
      default: '3b4fc4',
      parse: format.color,
      description:
        'Colour of the buttons on the account page, as #rrggbb or rrggbb (in .env # needs quotes).',
    }),
    BRAND_TEXT_COLOR: variable('brand.textColor', {
      default: 'ffffff',
      parse: format.color,
      description:
        'Colour of the text on BRAND_COLOR. The start warns if the contrast of the two is below 4.5.',
    }),
  },
} satisfies Record<string, Record<string, Variable>>

/** Each variable by its name. */
export const variables: Readonly<Record<string, Variable>> = Object.assign(
  {},
  ...Object.values(variableGroups),
)

function isPostgresql({ database }: Config): boolean {
  return database.engine === 'postgresql'
}
