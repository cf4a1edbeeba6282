import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../../src/config/config.ts'
import { variables } from '../../src/config/variables.ts'
import type { PostgresqlConfig } from '../../src/database/postgresql-client.ts'

const secret = 'a secret that only the tests of this repository use'

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}

describe('the configuration of an empty environment', () => {
  it('is a server on this machine', () => {
    expect(loadConfig({})).toEqual({
      host: '127.0.0.1',
      port: 4000,
      workers: 1,
      publicUrl: 'http://127.0.0.1:4000',
      tls: undefined,
      database: { engine: 'sqlite', file: 'data/latchkey.db' },
      appSecret: undefined,
      tokens: {
        issuer: 'http://127.0.0.1:4000',
        audiences: ['http://127.0.0.1:4000'],
        clientId: 'latchkey',
        algorithm: 'EdDSA',
        lifetimeSeconds: 15 * 60,
        keyRotationSeconds: 90 * 24 * 3600,
      },
      sessions: {
        idleLifetimeSeconds: 30 * 24 * 3600,
        maxLifetimeSeconds: 365 * 24 * 3600,
        graceSeconds: 30,
      },
      bcryptCost: 12,
      allowedOrigins: [],
      redirectUris: [],
      providers: [],
      trustProxy: false,
      keepAliveSeconds: 72,
      introspection: true,
      sandbox: true,
      accountPage: true,
      brand: { name: 'Latchkey', logoFile: undefined, color: '#3b4fc4', textColor: '#ffffff' },
      logLevel: 'info',
      registration: 'open',
      throttle: true,
      auditRetentionSeconds: 90 * 24 * 3600,
      metrics: undefined,
      shutdownDelaySeconds: 0,
    })
  })

  it('is the same where every variable is set to nothing', () => {
    const empty = Object.fromEntries(Object.keys(variables).map((name) => [name, '']))
    expect(loadConfig(empty)).toEqual(loadConfig({}))
  })

  it('has a variable for each of its values, and a value for each variable', () => {
    const config = loadConfig({
      APP_SECRET: secret,
      BRAND_LOGO: 'logo.svg',
      DATABASE_SCHEMA: 'login',
      DATABASE_URL: 'postgres://h/x',
      METRICS_PORT: '9090',
      TLS_CERT: 'a.crt',
      TLS_KEY: 'a.key',
    })
    const groups = new Set(['tls', 'tokens', 'sessions', 'brand', 'metrics'])
    const paths = Object.entries(config).flatMap(([name, value]) =>
      groups.has(name) ? Object.keys(value as object).map((key) => `${name}.${key}`) : [name],
    )
    const { engine, url, settings, tls, ...ofDatabase } = config.database as PostgresqlConfig
    expect({ engine, url, settings, tls }).toEqual({
      engine: 'postgresql',
      url: 'postgres://h/x',
      settings: {},
      tls: undefined,
    })
    paths.push(...Object.keys(ofDatabase).map((key) => `database.${key}`))
    const declared = Object.values(variables).map(({ path }) => path)
    expect(new Set(declared).size).toBe(declared.length)
    expect(new Set([...declared, 'providers'])).toEqual(new Set(paths))
    expect(Object.values(config)).not.toContain(undefined)
  })

  it('cannot be changed afterwards', () => {
    const config = loadConfig({ ALLOWED_ORIGINS: 'https://a.example' })
    const { allowedOrigins, brand, sessions, tokens } = config
    for (const part of [config, tokens, sessions, allowedOrigins, brand]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('the configuration', () => {
  it.each([
    [{}, true],
    [{ PUBLIC_URL: 'http://localhost:8080' }, true],
    [{ PUBLIC_URL: 'https://auth.example.com' }, false],
    [{ TRUST_PROXY: '127.0.0.1' }, false],
    [{ HOST: '0.0.0.0', PUBLIC_URL: 'http://localhost:4000' }, false],
  ])('has Sandbox and introspection on for this machine only: %j', (env, isOn) => {
    const config = loadConfig({ APP_SECRET: secret, ...env })
    expect(config).toMatchObject({ introspection: isOn, sandbox: isOn })
    expect(
      loadConfig({ APP_SECRET: secret, SANDBOX: 'on', INTROSPECTION: 'on', ...env }),
    ).toMatchObject({ introspection: true, sandbox: true })
  })

  it.each([
    ['HOST', 'localhost', { host: 'localhost', publicUrl: 'http://localhost:4000' }],
    ['HOST', '::1', { host: '::1', publicUrl: 'http://[::1]:4000', sandbox: true }],
    ['HOST', '0.0.0.0', { host: '0.0.0.0', introspection: false, sandbox: false }],
    ['HOST', 'auth.internal', { sandbox: false }],
    ['PORT', '0', { port: 0 }],
    ['PORT', '65535', { port: 65_535 }],
    ['PORT', ' 4001\r\n', { port: 4001 }],
    ['WORKERS', '4', { workers: 4 }],
    ['WORKERS', 'auto', { workers: availableParallelism() }],
    ['WORKERS', 'AUTO', { workers: availableParallelism() }],
    ['PUBLIC_URL', 'https://auth.example.com', { publicUrl: 'https://auth.example.com' }],
    ['PUBLIC_URL', 'https://auth.example.com:8443', { publicUrl: 'https://auth.example.com:8443' }],
    ['PUBLIC_URL', 'http://localhost:3000', { publicUrl: 'http://localhost:3000', sandbox: true }],
    // One origin has many spellings, and browsers know only one.
    ['PUBLIC_URL', 'https://auth.example.com/', { publicUrl: 'https://auth.example.com' }],
    ['PUBLIC_URL', 'HTTPS://Auth.Example.COM', { publicUrl: 'https://auth.example.com' }],
    ['PUBLIC_URL', 'https://auth.example.com:443/', { publicUrl: 'https://auth.example.com' }],
    ['PUBLIC_URL', 'https://bücher.example', { publicUrl: 'https://xn--bcher-kva.example' }],
    ['PUBLIC_URL', 'http://LOCALHOST:80', { publicUrl: 'http://localhost' }],
    ['PORT', '80', { publicUrl: 'http://127.0.0.1' }],
    ['HOST', 'LOCALHOST', { publicUrl: 'http://localhost:4000', sandbox: true }],
    ['HOST', 'fe80::1%eth0', { host: 'fe80::1%eth0', publicUrl: 'http://[fe80::1]:4000' }],
    [
      'DATABASE_URL',
      'sqlite:/var/lib/a.db',
      { database: { engine: 'sqlite', file: '/var/lib/a.db' } },
    ],
    ['DATABASE_URL', 'sqlite:///var/a.db', { database: { engine: 'sqlite', file: '/var/a.db' } }],
    ['DATABASE_URL', 'sqlite:my data.db', { database: { engine: 'sqlite', file: 'my data.db' } }],
    [
      'DATABASE_URL',
      'postgresql://u:p@db.example/x',
      {
        database: {
          engine: 'postgresql',
          url: 'postgresql://u:p@db.example/x',
          tls: undefined,
          poolSize: 10,
          replicas: [],
        },
      },
    ],
    [
      'DATABASE_URL',
      'postgres://u:p%40@db.example/x?application_name=a&sslmode=verify-full&sslrootcert=system',
      {
        database: {
          url: 'postgres://u:p%40@db.example/x?application_name=a',
          tls: { mode: 'verify-full' },
        },
      },
    ],
    [
      'DATABASE_URL',
      'postgres://db.example/x?sslmode=require&sslrootcert=/a%20b.crt&sslcert=c.crt&sslkey=c.key',
      {
        database: {
          url: 'postgres://db.example/x',
          tls: {
            mode: 'verify-ca',
            rootCertificateFile: '/a b.crt',
            client: { certificateFile: 'c.crt', keyFile: 'c.key' },
          },
        },
      },
    ],
    [
      'TOKEN_ISSUER',
      'https://issuer.example',
      { tokens: { issuer: 'https://issuer.example', audiences: ['https://issuer.example'] } },
    ],
    [
      'TOKEN_AUDIENCE',
      'my-api',
      {
        tokens: {
          issuer: 'http://127.0.0.1:4000',
          audiences: ['my-api', 'http://127.0.0.1:4000'],
        },
      },
    ],
    [
      'TOKEN_AUDIENCE',
      ' a, b,,a ,',
      { tokens: { audiences: ['a', 'b', 'http://127.0.0.1:4000'] } },
    ],
    ['TOKEN_CLIENT_ID', 'https://app.example', { tokens: { clientId: 'https://app.example' } }],
    ['TOKEN_ALGORITHM', 'RS256', { tokens: { algorithm: 'RS256' } }],
    ['ACCESS_TOKEN_LIFETIME', '1s', { tokens: { lifetimeSeconds: 1 } }],
    ['ACCESS_TOKEN_LIFETIME', '24h', { tokens: { lifetimeSeconds: 86_400 } }],
    ['SESSION_IDLE_LIFETIME', '90m', { sessions: { idleLifetimeSeconds: 5400 } }],
    ['REFRESH_GRACE', '0s', { sessions: { graceSeconds: 0 } }],
    ['BCRYPT_COST', '4', { bcryptCost: 4 }],
    ['BCRYPT_COST', '15', { bcryptCost: 15 }],
    [
      'ALLOWED_ORIGINS',
      ' https://a.example , http://localhost:5173,',
      { allowedOrigins: ['https://a.example', 'http://localhost:5173'] },
    ],
    [
      'ALLOWED_ORIGINS',
      'https://a.example/, HTTPS://B.example:443, http://tauri.localhost',
      { allowedOrigins: ['https://a.example', 'https://b.example', 'http://tauri.localhost'] },
    ],
    ...[
      'capacitor://localhost',
      'ionic://localhost',
      'tauri://localhost',
      'app://-',
      'app://My-App.internal',
      'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
      'moz-extension://5a5b5c5d-0000-4000-8000-123456789abc',
      'safari-web-extension://5A5B5C5D-0000-4000-8000-123456789ABC',
    ].map((origin): [string, string, object] => [
      'ALLOWED_ORIGINS',
      origin,
      { allowedOrigins: [origin] },
    ]),
    ['TRUST_PROXY', '2', { trustProxy: 2, introspection: false, sandbox: false }],
    ['TRUST_PROXY', '0', { trustProxy: false }],
    ['TRUST_PROXY', 'false', { trustProxy: false }],
    ['TRUST_PROXY', '1', { keepAliveSeconds: 620 }],
    ['KEEP_ALIVE_TIMEOUT', '10m', { keepAliveSeconds: 600 }],
    ['TRUST_PROXY', '10.0.0.0/8, ::1,fd00::/8', { trustProxy: ['10.0.0.0/8', '::1', 'fd00::/8'] }],
    ['INTROSPECTION', 'off', { introspection: false, sandbox: true }],
    ['SANDBOX', 'off', { introspection: true, sandbox: false }],
    ...['off', 'OFF', 'false', 'no', '0'].map((word): [string, string, object] => [
      'ACCOUNT_PAGE',
      word,
      { accountPage: false },
    ]),
    ...['on', 'On', 'true', 'yes', '1'].map((word): [string, string, object] => [
      'THROTTLE',
      word,
      { throttle: true },
    ]),
    ['BRAND_NAME', 'Söhne & Töchter "<b>"', { brand: { name: 'Söhne & Töchter "<b>"' } }],
    ['BRAND_LOGO', '/srv/Acme Logo.SVG', { brand: { logoFile: '/srv/Acme Logo.SVG' } }],
    ['BRAND_COLOR', '#FFcc00', { brand: { color: '#ffcc00' } }],
    ['BRAND_COLOR', 'ffCC00', { brand: { color: '#ffcc00' } }],
    ['BRAND_TEXT_COLOR', '000000', { brand: { textColor: '#000000' } }],
    ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
    ['LOG_LEVEL', 'INFO', { logLevel: 'info' }],
    ['TOKEN_ALGORITHM', 'eddsa', { tokens: { algorithm: 'EdDSA' } }],
    ['REGISTRATION', 'closed', { registration: 'closed' }],
    ['THROTTLE', 'off', { throttle: false }],
  ])('understands %s=%s', (name, value, expected) => {
    expect(loadConfig({ APP_SECRET: secret, [name]: value })).toMatchObject(expected)
  })

  it.each<[name: string, values: string[]]>([
    [
      'HOST',
      ['http://localhost', 'local host', '127.0.0.1:4000', '[::1]', '*', 'a/b', '999.1.1.1'],
    ],
    ['WORKERS', ['0', '-1', '129', '1.5', 'all', '1 2']],
    ['PORT', ['-1', '65536', '4000.5', '0x10', '1e3', '4 000', 'http', '99999999999999999999']],
    [
      'PUBLIC_URL',
      [
        'auth.example.com',
        'https://*.example.com',
        'http://auth.example.com',
        'https://auth.example.com/path',
        'https://user:canary@auth.example.com',
        'ftp://auth.example.com',
        '//auth.example.com',
        'https:auth.example.com',
        'https:\\\\auth.example.com',
        'https://auth.example.com?',
        'https://auth.example.com#',
        'https://auth.example.com//',
        'capacitor://localhost',
        'http://127.0.0.1.evil.test',
        'null',
      ],
    ],
    [
      'DATABASE_URL',
      [
        'sqlite:',
        'sqlite://data/a.db',
        'sqlite::memory:',
        'sqlite:a.db?mode=ro',
        'a.db',
        'mysql://root:canary@localhost/x',
        'postgres',
        'postgres://u:50%25%zz@localhost/x',
        'postgres://u:a/b@localhost/x',
        // No database, or a raw special character in the password, which ends the address early.
        'postgres://u:canary@localhost',
        'postgres://u:canary@localhost/',
        'postgres://u:p@ss#canary@localhost/x',
        'postgres://u:canary@localhost/x#',
        'postgres://u:12/canary@localhost/x',
        'postgres://u:12/canary@localhost',
        'postgres://u:12?canary@localhost/x',
        'postgres://u:canary@localhost/x/y',
        'postgres://u:canary@localhost:99999/x',
        'postgres://u:canary@localhost:port/x',
        'postgres://u:canary@local host/x',
        'postgres:',
        'file:a.db',
      ],
    ],
    ['DATABASE_POOL_SIZE', ['0', '1001', 'many']],
    ['DATABASE_REPLICA_URLS', ['sqlite:a.db', 'postgres://h/x,canary']],
    ['APP_SECRET', ['canary', 'c'.repeat(31)]],
    ['TOKEN_CLIENT_ID', ['my app', 'é', 'a\nb', 'a'.repeat(256)]],
    ['TOKEN_ALGORITHM', ['none', 'HS256', 'ES384']],
    ['KEY_ROTATION_INTERVAL', ['59m', '3651d', 'never']],
    [
      'ACCESS_TOKEN_LIFETIME',
      ['0s', '25h', '15', 'm', '-5m', '1.5h', '15 m', '15M', '1w', 'Infinity'],
    ],
    ['SESSION_IDLE_LIFETIME', ['0s', '3651d', '30']],
    ['SESSION_MAX_LIFETIME', ['0s', '3651d', '9999999999d']],
    ['REFRESH_GRACE', ['301s', '6m', 'off']],
    ['BCRYPT_COST', ['3', '16', '12.0', 'high', '-12']],
    [
      'ALLOWED_ORIGINS',
      [
        '*',
        'null',
        'https://*.example.com',
        'http://app.example.com',
        'https://a.example,b',
        'https://a.example/path',
        'https://canary@a.example',
        'http://localhost.evil.test',
        'file://',
        'file:///',
        'file://localhost',
        'data://a',
        'javascript://a',
        'blob://a',
        'ws://localhost',
        'capacitor://',
        'capacitor://*',
        'capacitor://localhost/',
        'capacitor://localhost/index.html',
        'chrome-extension://*',
        'CAPACITOR://localhost',
        'capacitor:localhost',
        '*://localhost',
      ],
    ],
    [
      'TRUST_PROXY',
      [
        'on',
        'true',
        '10',
        '1.2.3',
        '10.0.0.0/33',
        '::1/129',
        '10.0.0.0/8/8',
        'loopback',
        '10.0.0.1,',
      ],
    ],
    ['KEEP_ALIVE_TIMEOUT', ['0s', '3601s', '72', 'off']],
    ['INTROSPECTION', ['enabled', 'onn', '2']],
    ['SANDBOX', ['auto', 'of']],
    ['ACCOUNT_PAGE', ['none', '-1']],
    ['BRAND_NAME', ['a\nb', 'a\u0000', 'a\u202eb', 'c'.repeat(61)]],
    ['BRAND_LOGO', ['logo', 'logo.gif', 'logo.svg.exe', '.svg/']],
    ['BRAND_COLOR', ['red', '#fff', '#gggggg', '#ff00000', 'rgb(0,0,0)', '#ff0000;}', '##ff0000']],
    ['BRAND_TEXT_COLOR', ['black', '#000', '#000000ff']],
    ['LOG_LEVEL', ['verbose', '30']],
    ['REGISTRATION', ['yes', 'invite']],
    ['THROTTLE', ['none', 'ofF ;']],
  ])('refuses a wrong %s by its name, never by its value', (name, values) => {
    const problems = values.map((value) => problemsOf({ APP_SECRET: secret, [name]: value }))
    // The same for all of them: the rule.
    expect(problems).toEqual(values.map(() => [problems[0]![0]]))
    expect(problems[0]![0]).toMatch(new RegExp(`^${name} must be \\S`))
  })

  // OWASP ASVS 13.2.2: what others can reach, or share, does not run on a secret that it made itself.
  it.each([
    ['HOST', '0.0.0.0'],
    ['HOST', '192.0.2.1'],
    ['HOST', '::'],
    ['HOST', 'auth.internal'],
    ['DATABASE_URL', 'postgres://latchkey:canary@localhost/latchkey'],
    ['DATABASE_URL', 'postgresql://latchkey:canary@localhost/latchkey'],
    ['DATABASE_URL', 'POSTGRES://latchkey:canary@localhost/latchkey'],
  ])('asks for APP_SECRET with %s=%s', (name, value) => {
    const problems = problemsOf({ [name]: value })
    expect(problems).toEqual([
      expect.stringMatching(/^APP_SECRET must be given when .*openssl rand/),
    ])
    expect(problems[0]).not.toContain('canary')
    expect(problemsOf({ [name]: value, APP_SECRET: secret.slice(2, 34) })).toEqual([])
    // Bytes, not characters.
    expect(problemsOf({ [name]: value, APP_SECRET: 'ÄäÖöÜüéèêñçøåæß€' })).toEqual([])
  })

  it.each([
    ['sslmode=prefer', 'must have one of disable, require, verify-ca, verify-full'],
    ['sslmode=canary', 'must have one of disable, require, verify-ca, verify-full'],
    ['sslmode=', 'must have one of disable, require, verify-ca, verify-full'],
    ['sslrootcert=a.crt', 'so it must have sslmode, too'],
    ['sslmode=require&sslcert=a.crt', 'must have both sslcert and sslkey'],
    ['sslmode=verify-ca', 'must have sslrootcert=<file> with sslmode=verify-ca'],
    ['sslmode=verify-ca&sslrootcert=system', 'must have sslrootcert=<file>'],
    // They would be ignored, or take the place of what is set here.
    ['sslmode=require&sslmode=disable', 'may have, each once, the parameters sslmode,'],
    ['ssl=true', 'may have, each once, the parameters sslmode,'],
    ['statement_timeout=0', 'may have, each once, the parameters sslmode,'],
    // What a connection cannot set after it is open.
    ['options=-B%20canary', 'may have options of the form -c name=value'],
    ['options=-c', 'may have options of the form -c name=value'],
    ['options=canary', 'may have options of the form -c name=value'],
    // What would be overridden in silence.
    ['options=-c%20statement_timeout=0', 'may not set statement_timeout in its options'],
    ['options=--Lock-Timeout=1s', 'may not set lock_timeout in its options'],
    [
      'options=-c%20synchronous_commit=off%20-c%20idle_in_transaction_session_timeout=1',
      'may not set idle_in_transaction_session_timeout, synchronous_commit in its options',
    ],
  ])('refuses databases with %s', (parameters, rule) => {
    const url = `postgres://u:canary@localhost/x?${parameters}`
    const problems = problemsOf({
      APP_SECRET: secret,
      DATABASE_URL: url,
      DATABASE_REPLICA_URLS: `postgres://localhost/x,${url}`,
    })
    expect(problems).toHaveLength(2)
    expect(problems[0]).toMatch(/^DATABASE_URL /)
    expect(problems[1]).toMatch(/^DATABASE_REPLICA_URLS /)
    for (const problem of problems) {
      expect(problem).toContain(rule)
      expect(problem).not.toContain('canary')
    }
  })

  it('serves https with certificate and key, and names itself so', () => {
    const env = { TLS_CERT: 'a.crt', TLS_KEY: 'a.key' }
    expect(loadConfig(env)).toMatchObject({
      publicUrl: 'https://127.0.0.1:4000',
      tls: { certificateFile: 'a.crt', keyFile: 'a.key' },
      tokens: { issuer: 'https://127.0.0.1:4000' },
    })
    expect(problemsOf({ TLS_CERT: 'a.crt' })).toEqual([
      'TLS_CERT and TLS_KEY must both be given, or neither',
    ])
    expect(problemsOf({ TLS_KEY: 'a.key' })).toHaveLength(1)
    expect(problemsOf({ ...env, PUBLIC_URL: 'http://localhost:4000' })).toEqual([
      'PUBLIC_URL must be https when TLS_CERT is given',
    ])
    expect(problemsOf({ ...env, PUBLIC_URL: 'https://auth.example.com' })).toEqual([])
  })

  it('takes pool and replicas with PostgreSQL, and replicas with nothing else', () => {
    const replicas = 'postgres://r1/x?sslmode=disable, postgres://r2/x'
    const env = { APP_SECRET: secret, DATABASE_POOL_SIZE: '3', DATABASE_REPLICA_URLS: replicas }
    expect(loadConfig({ ...env, DATABASE_URL: 'postgres://h/x' })).toMatchObject({
      database: {
        poolSize: 3,
        replicas: [
          { url: 'postgres://r1/x', tls: { mode: 'disable' } },
          { url: 'postgres://r2/x', tls: undefined },
        ],
      },
    })
    expect(problemsOf(env)).toEqual([
      'DATABASE_REPLICA_URLS must not be given when DATABASE_URL is SQLite',
    ])
  })

  it('names every problem at once', () => {
    const wrong = {
      HOST: '0.0.0.0',
      PORT: 'canary-port',
      PUBLIC_URL: 'http://canary.example.com',
      DATABASE_URL: 'mysql://root:canary@localhost/x',
      TOKEN_ALGORITHM: 'canary',
      ACCESS_TOKEN_LIFETIME: 'canary',
      BCRYPT_COST: 'canary',
      ALLOWED_ORIGINS: 'https://canary.example/path',
      TRUST_PROXY: 'canary',
      LOG_LEVEL: 'canary',
    }
    const problems = problemsOf(wrong)
    const named = problems.map((problem) => problem.split(' ')[0])
    expect(new Set(named)).toEqual(new Set([...Object.keys(wrong).slice(1), 'APP_SECRET']))
    expect(named).toHaveLength(Object.keys(wrong).length)
    expect(new ConfigError(problems).message).not.toContain('canary')
  })

  it.each([
    'c'.repeat(32),
    '0123456789'.repeat(4),
    'change-me-before-you-start-this-server',
    'canary'.repeat(6),
  ])('refuses an APP_SECRET that can be guessed: %s', (weak) => {
    expect(problemsOf({ APP_SECRET: weak })).toEqual([
      expect.stringMatching(/^APP_SECRET must be random, and it .*openssl rand -base64 32/),
    ])
    expect(problemsOf({ APP_SECRET: weak }).join()).not.toContain('canary')
  })

  it('reads a secret without the line end that ends its file, whichever variable it is in', () => {
    const env = {
      APP_SECRET: secret,
      DATABASE_URL: 'postgres://u:p@h/x',
      GOOGLE_CLIENT_ID: 'id',
      GOOGLE_CLIENT_SECRET: 'secret',
      OIDC_ACME_ISSUER: 'https://acme.example',
      OIDC_ACME_CLIENT_ID: 'id',
      OIDC_ACME_CLIENT_SECRET: 'secret',
    }
    for (const end of ['\n', '\r\n', ' \n']) {
      const copied = Object.fromEntries(
        Object.entries(env).map(([name, text]) => [name, text + end]),
      )
      expect(loadConfig(copied)).toEqual(loadConfig(env))
    }
  })

  it('leaves alone what is not its own', () => {
    expect(loadConfig({ PATH: '/bin', NODE_ENV: 'production', HOSTNAME: '*' })).toEqual(
      loadConfig({}),
    )
  })
})
