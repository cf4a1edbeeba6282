/** The environment, read once into a frozen `Config`. This file is the one list of variables. */
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { parseDatabaseUrl, parsePostgresqlUrl, type DatabaseConfig } from './database.ts'
import {
  commaList,
  duration,
  hostName,
  integer,
  isAddressRange,
  isLoopback,
  isRedirectUri,
  oneOf,
  optionalDuration,
  originList,
  originRule,
  parseOrigin,
  parseToggle,
  parsing,
  readVariable,
  toggle,
} from './formats.ts'
import { readProviderSettings, type ProviderSettings } from './providers.ts'
import { describeWeakness } from './secret-strength.ts'

/** The variables' names, meanings and defaults; README.md and .env.example are checked against it. */
export const variables = {
  HOST: { default: '127.0.0.1', description: 'Address to listen on.' },
  PORT: { default: '4000', description: 'Port to listen on; 0 takes a free one.' },
  WORKERS: {
    default: '1',
    description: 'Processes that serve on this machine; `auto` makes one for each processor.',
  },
  PUBLIC_URL: {
    default: 'http://HOST:PORT, https with TLS_CERT',
    description: 'The origin under which people reach the server. https, unless it is loopback.',
  },
  TLS_CERT: {
    default: '(none)',
    description:
      'File of the certificate and its chain, for https without a proxy. A renewed one is taken within a minute, on SIGHUP at once.',
  },
  TLS_KEY: { default: '(none)', description: "File of the certificate's private key." },
  DATABASE_URL: {
    default: 'sqlite:data/latchkey.db',
    description:
      '`sqlite:<file>` or `postgres://user:password@host:port/database?sslmode=verify-full`.',
  },
  DATABASE_SCHEMA: {
    default: "the first of the role's search path",
    description: "PostgreSQL schema that holds Latchkey's tables; it must exist.",
  },
  DATABASE_POOL_SIZE: {
    default: '10',
    description: 'Connections of each process to a PostgreSQL server, at most.',
  },
  DATABASE_REPLICA_URLS: {
    default: '(none)',
    description:
      'PostgreSQL servers that follow the one of DATABASE_URL, separated by commas: for lists that may be a moment old.',
  },
  APP_SECRET: {
    default: 'made on first start, beside the SQLite file',
    description:
      'At least 32 random bytes; signs refresh tokens and encrypts signing keys. Required with PostgreSQL or a non-loopback HOST.',
  },
  TOKEN_ISSUER: { default: 'PUBLIC_URL', description: 'The `iss` claim of access tokens.' },
  TOKEN_AUDIENCE: {
    default: '(none)',
    description:
      'Services that access tokens are also for, separated by commas. With TOKEN_ISSUER, which stands for this server, the `aud` claim.',
  },
  TOKEN_CLIENT_ID: {
    default: 'latchkey',
    description:
      'The `client_id` claim of access tokens: the name of your own front ends as an OAuth client.',
  },
  TOKEN_ALGORITHM: { default: 'EdDSA', description: '`EdDSA`, `ES256` or `RS256`.' },
  KEY_ROTATION_INTERVAL: {
    default: '90d',
    description: 'Age at which the signing key is replaced.',
  },
  ACCESS_TOKEN_LIFETIME: {
    default: '15m',
    description: 'Lifetime of an access token, at most 24h.',
  },
  SESSION_IDLE_LIFETIME: {
    default: '30d',
    description: 'A session ends when it was not refreshed for this long.',
  },
  SESSION_MAX_LIFETIME: { default: '365d', description: 'A session ends at this age in any case.' },
  REFRESH_GRACE: {
    default: '30s',
    description:
      'For this long a replaced refresh token still gets the same successor. At most 5m.',
  },
  BCRYPT_COST: {
    default: '12',
    description: 'Cost of password hashes, 4 to 15; below 10 is announced at start as weak.',
  },
  ALLOWED_ORIGINS: {
    default: '(none)',
    description:
      'Origins of front ends that may call from a browser, separated by commas; of apps too, such as capacitor://localhost.',
  },
  REDIRECT_URIS: {
    default: '(none)',
    description:
      "Where providers' responses may go, separated by commas, compared character by character. An entry such as http://127.0.0.1/callback (or [::1]) without a port allows any port.",
  },
  TRUST_PROXY: {
    default: 'off',
    description: 'Number of proxies in front, or their addresses (CIDR), separated by commas.',
  },
  KEEP_ALIVE_TIMEOUT: {
    default: '72s, 620s with TRUST_PROXY',
    description:
      'After this long an idle connection is closed. At most 1h; behind a proxy, longer than the proxy keeps its own.',
  },
  INTROSPECTION: {
    default: 'on for this machine only',
    description:
      '`on` or `off`. By default it is on if HOST and PUBLIC_URL are loopback and TRUST_PROXY is off.',
  },
  SANDBOX: {
    default: 'on for this machine only',
    description:
      '`on` or `off`: Apollo Sandbox at /graphql, GraphiQL at /graphiql. The same default as INTROSPECTION.',
  },
  ACCOUNT_PAGE: { default: 'on', description: '`on` or `off`: the account page at /.' },
  BRAND_NAME: { default: 'Latchkey', description: 'Whose account it is, on the account page.' },
  BRAND_LOGO: {
    default: '(none)',
    description: 'File of the logo on the account page: .svg or .png, at most 256 KiB.',
  },
  BRAND_COLOR: {
    default: '3b4fc4',
    description: 'Colour of its buttons and links, as #rrggbb or rrggbb (in .env # needs quotes).',
  },
  LOG_LEVEL: {
    default: 'info',
    description: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.',
  },
  REGISTRATION: { default: 'open', description: '`open` or `closed`.' },
  THROTTLE: {
    default: 'on',
    description: '`off` lifts every limit on attempts: for benchmarks on a closed network only.',
  },
  AUDIT_RETENTION: {
    default: '90d',
    description: 'Events of the audit trail that are older are removed.',
  },
  METRICS_PORT: {
    default: 'off',
    description: 'Port of a listener for Prometheus, at /metrics; 0 takes a free one.',
  },
  METRICS_HOST: { default: '127.0.0.1', description: 'Address of that listener.' },
  SHUTDOWN_DELAY: {
    default: '0s',
    description:
      'After SIGTERM the server says that it is not ready, and serves on for this long. At most 3s; behind a proxy, longer than the proxy takes to notice.',
  },
} as const satisfies Record<string, { default: string; description: string }>

export type Algorithm = 'EdDSA' | 'ES256' | 'RS256'

/** Whose page it is, to those who sign in. */
export interface Brand {
  readonly name: string
  readonly logoFile: string | undefined
  /** `#rrggbb`, in lower case. */
  readonly color: string
}

export interface Config {
  readonly host: string
  readonly port: number
  /** Processes that serve, this one or those that it starts. */
  readonly workers: number
  /** An origin, without a trailing slash. */
  readonly publicUrl: string
  /** Where TLS ends here. */
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | undefined
  readonly database: DatabaseConfig
  /** Absent where the secret file beside the SQLite database is to be used. */
  readonly appSecret: string | undefined
  readonly tokens: {
    readonly issuer: string
    /** The `aud` claim: the issuer, which stands for this server, and the services beside it. */
    readonly audiences: readonly string[]
    /** The `client_id` claim: the front ends of the operator. */
    readonly clientId: string
    readonly algorithm: Algorithm
    readonly lifetimeSeconds: number
    readonly keyRotationSeconds: number
  }
  readonly sessions: {
    readonly idleLifetimeSeconds: number
    readonly maxLifetimeSeconds: number
    readonly graceSeconds: number
  }
  readonly bcryptCost: number
  readonly allowedOrigins: readonly string[]
  readonly redirectUris: readonly string[]
  readonly providers: readonly ProviderSettings[]
  /** How many proxies are in front, or which addresses they have. */
  readonly trustProxy: number | string[] | false
  /** How long an idle connection is kept. */
  readonly keepAliveSeconds: number
  readonly introspection: boolean
  readonly sandbox: boolean
  readonly accountPage: boolean
  readonly brand: Brand
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  readonly registration: 'open' | 'closed'
  readonly throttle: boolean
  readonly auditRetentionSeconds: number
  /** Absent where there is no listener for metrics. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  readonly shutdownDelaySeconds: number
}

/** Every problem of the environment at once. Names variables and rules, never values. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(
      ['The configuration is wrong:', ...problems.map((problem) => `  ${problem}`)].join('\n'),
      options,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

const environment = z.object({
  HOST: hostName(variables.HOST.default),
  PORT: integer(4000, 0, 65_535),
  WORKERS: z
    .string()
    .default('1')
    .refine(
      (text) =>
        /^auto$/i.test(text) ||
        (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 128),
      'must be auto or a whole number from 1 to 128',
    )
    .transform((text) => Number(text) || availableParallelism()),
  PUBLIC_URL: z
    .string()
    .transform((text, context): string => {
      const origin = parseOrigin(text)
      if (origin !== undefined) return origin
      context.addIssue(`must be ${originRule}`)
      return z.NEVER
    })
    .optional(),
  TLS_CERT: z.string().optional(),
  TLS_KEY: z.string().optional(),
  DATABASE_URL: z
    .string()
    .default(variables.DATABASE_URL.default)
    .transform(parsing(parseDatabaseUrl)),
  DATABASE_SCHEMA: z
    .string()
    .refine(
      (name) => !/[".*\p{C}]/u.test(name) && Buffer.byteLength(name) <= 63,
      'must be the name of a schema as it is, without quotes: at most 63 bytes, none of them . * or "',
    )
    .optional(),
  DATABASE_POOL_SIZE: integer(10, 1, 1000),
  DATABASE_REPLICA_URLS: commaList.transform((urls, context) =>
    urls.map((url) => parsing(parsePostgresqlUrl)(url, context)),
  ),
  APP_SECRET: z
    .string()
    .superRefine((secret, context) => {
      const weakness = describeWeakness(secret)
      if (Buffer.byteLength(secret) < 32) context.addIssue('must be at least 32 bytes')
      else if (weakness !== undefined) {
        context.addIssue(
          `must be random, and it ${weakness}: take what \`openssl rand -base64 32\` prints`,
        )
      }
    })
    .optional(),
  TOKEN_ISSUER: z.string().min(1, 'must not be empty').optional(),
  TOKEN_AUDIENCE: commaList.refine(
    (names) => names.length <= 50 && names.every((name) => /^\P{C}{1,255}$/u.test(name)),
    'must list, separated by commas, at most 50 names of up to 255 characters, such as https://api.example.com',
  ),
  TOKEN_CLIENT_ID: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be at most 255 printable ASCII characters without spaces')
    .default(variables.TOKEN_CLIENT_ID.default),
  TOKEN_ALGORITHM: oneOf('EdDSA', 'ES256', 'RS256').default('EdDSA'),
  KEY_ROTATION_INTERVAL: duration(variables.KEY_ROTATION_INTERVAL.default, '1h', '3650d'),
  ACCESS_TOKEN_LIFETIME: duration(variables.ACCESS_TOKEN_LIFETIME.default, '1s', '24h'),
  SESSION_IDLE_LIFETIME: duration(variables.SESSION_IDLE_LIFETIME.default, '1s', '3650d'),
  SESSION_MAX_LIFETIME: duration(variables.SESSION_MAX_LIFETIME.default, '1s', '3650d'),
  REFRESH_GRACE: duration(variables.REFRESH_GRACE.default, '0s', '5m'),
  BCRYPT_COST: integer(12, 4, 15),
  ALLOWED_ORIGINS: originList,
  REDIRECT_URIS: commaList.refine(
    (uris) => uris.every(isRedirectUri),
    'must list, separated by commas, URIs in canonical spelling such as https://app.example.com/callback (https unless loopback or an app scheme such as com.example.app:/callback; no query, no fragment)',
  ),
  TRUST_PROXY: z
    .string()
    .default('off')
    .transform((text, context): Config['trustProxy'] => {
      if (parseToggle(text) === false) return false
      if (/^[1-9]$/.test(text)) return Number(text)
      const addresses = text.split(',').map((entry) => entry.trim())
      if (addresses.every(isAddressRange)) return addresses
      context.addIssue(
        'must be off, a number of proxies from 1 to 9, or addresses such as 10.0.0.0/8',
      )
      return z.NEVER
    }),
  KEEP_ALIVE_TIMEOUT: optionalDuration('620s', '1s', '1h'),
  INTROSPECTION: toggle.optional(),
  SANDBOX: toggle.optional(),
  ACCOUNT_PAGE: toggle.default(true),
  BRAND_NAME: z
    .string()
    .default(variables.BRAND_NAME.default)
    .refine(
      (name) => /^\P{C}{1,60}$/u.test(name) && name.trim() !== '',
      'must be 1 to 60 characters, none of them a control character',
    ),
  BRAND_LOGO: z
    .string()
    .regex(/\.(svg|png)$/i, 'must be the path of a file that ends in .svg or .png')
    .optional(),
  BRAND_COLOR: z
    .string()
    .default(variables.BRAND_COLOR.default)
    .refine((color) => /^#?[\da-f]{6}$/i.test(color), 'must be a colour such as #3b4fc4')
    .transform((color) => `#${color.replace('#', '').toLowerCase()}`),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('info'),
  REGISTRATION: oneOf('open', 'closed').default('open'),
  THROTTLE: toggle.default(true),
  AUDIT_RETENTION: duration(variables.AUDIT_RETENTION.default, '1h', '3650d'),
  METRICS_PORT: z
    .string()
    .default('off')
    .transform((text, context): number | undefined => {
      if (/^\d+$/.test(text) && Number(text) <= 65_535) return Number(text)
      if (parseToggle(text) === false) return undefined
      context.addIssue('must be off or a whole number from 0 to 65535')
      return z.NEVER
    }),
  METRICS_HOST: hostName(variables.METRICS_HOST.default),
  SHUTDOWN_DELAY: duration(variables.SHUTDOWN_DELAY.default, '0s', '3s'),
} satisfies Record<keyof typeof variables, z.ZodType>)

/**
 * Reads the environment. An empty variable counts as absent.
 * @throws ConfigError naming every wrong variable at once, without its value
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.keys(variables)
      .map((name) => [name, readVariable(env, name)] as const)
      .filter(([, value]) => value !== undefined),
  )
  const result = environment.safeParse(given)
  const problems = (result.error?.issues ?? []).map(
    (issue) => `${issue.path.join('.')} ${issue.message}`,
  )

  const loopback = isLoopback(given.HOST ?? variables.HOST.default)
  if (given.APP_SECRET === undefined) {
    const why = [
      !loopback && 'HOST is not loopback',
      /^\s*postgres/i.test(given.DATABASE_URL ?? '') && 'DATABASE_URL is PostgreSQL',
    ].filter((reason) => reason !== false)
    if (why.length > 0) {
      problems.push(
        `APP_SECRET must be given when ${why.join(' and ')}: 32 random bytes or more, for example from \`openssl rand -base64 32\``,
      )
    }
  }
  if (given.DATABASE_REPLICA_URLS !== undefined && result.data?.DATABASE_URL.engine === 'sqlite') {
    problems.push('DATABASE_REPLICA_URLS must not be given where DATABASE_URL is SQLite')
  }
  if (given.DATABASE_SCHEMA !== undefined && result.data?.DATABASE_URL.engine === 'sqlite') {
    problems.push('DATABASE_SCHEMA must not be given when DATABASE_URL is SQLite')
  }
  if ((given.TLS_CERT === undefined) !== (given.TLS_KEY === undefined)) {
    problems.push('TLS_CERT and TLS_KEY must both be given, or neither')
  } else if (given.TLS_CERT !== undefined && /^http:/i.test(given.PUBLIC_URL ?? '')) {
    problems.push('PUBLIC_URL must be https where TLS_CERT is given')
  }
  const { providers, problems: providerProblems } = readProviderSettings(env)
  problems.push(...providerProblems)
  if (problems.length > 0 || !result.data) throw new ConfigError(problems)

  const e = result.data
  const hostInUrl = isIP(e.HOST) === 6 ? `[${e.HOST.replace(/%.*/, '')}]` : e.HOST
  const tls =
    e.TLS_CERT === undefined || e.TLS_KEY === undefined
      ? undefined
      : Object.freeze({ certificateFile: e.TLS_CERT, keyFile: e.TLS_KEY })
  // An origin as browsers have it: without the scheme's own port.
  const publicUrl =
    e.PUBLIC_URL ?? new URL(`${tls ? 'https' : 'http'}://${hostInUrl}:${e.PORT}`).origin
  const isPublic = isReachedFromElsewhere({ host: e.HOST, publicUrl, trustProxy: e.TRUST_PROXY })
  const issuer = e.TOKEN_ISSUER ?? publicUrl
  return Object.freeze<Config>({
    host: e.HOST,
    port: e.PORT,
    workers: e.WORKERS,
    publicUrl,
    tls,
    database:
      e.DATABASE_URL.engine === 'sqlite'
        ? e.DATABASE_URL
        : {
            ...e.DATABASE_URL,
            poolSize: e.DATABASE_POOL_SIZE,
            replicas: e.DATABASE_REPLICA_URLS,
            schema: e.DATABASE_SCHEMA,
          },
    appSecret: e.APP_SECRET,
    tokens: Object.freeze({
      issuer,
      audiences: Object.freeze([...new Set([...e.TOKEN_AUDIENCE, issuer])]),
      clientId: e.TOKEN_CLIENT_ID,
      algorithm: e.TOKEN_ALGORITHM,
      lifetimeSeconds: e.ACCESS_TOKEN_LIFETIME,
      keyRotationSeconds: e.KEY_ROTATION_INTERVAL,
    }),
    sessions: Object.freeze({
      idleLifetimeSeconds: e.SESSION_IDLE_LIFETIME,
      maxLifetimeSeconds: e.SESSION_MAX_LIFETIME,
      graceSeconds: e.REFRESH_GRACE,
    }),
    bcryptCost: e.BCRYPT_COST,
    allowedOrigins: Object.freeze(e.ALLOWED_ORIGINS),
    redirectUris: Object.freeze(e.REDIRECT_URIS),
    providers: Object.freeze(providers),
    trustProxy: e.TRUST_PROXY,
    keepAliveSeconds: e.KEEP_ALIVE_TIMEOUT ?? (e.TRUST_PROXY === false ? 72 : 620),
    introspection: e.INTROSPECTION ?? !isPublic,
    sandbox: e.SANDBOX ?? !isPublic,
    accountPage: e.ACCOUNT_PAGE,
    brand: Object.freeze({
      name: e.BRAND_NAME,
      logoFile: e.BRAND_LOGO,
      color: e.BRAND_COLOR,
    }),
    logLevel: e.LOG_LEVEL,
    registration: e.REGISTRATION,
    throttle: e.THROTTLE,
    auditRetentionSeconds: e.AUDIT_RETENTION,
    metrics:
      e.METRICS_PORT === undefined
        ? undefined
        : Object.freeze({ host: e.METRICS_HOST, port: e.METRICS_PORT }),
    shutdownDelaySeconds: e.SHUTDOWN_DELAY,
  })
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
