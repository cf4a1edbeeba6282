import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../../src/config/config.ts'
import { namesOf, providerVariables } from '../../src/config/provider-variables.ts'

type Environment = Record<string, string>

function problemsOf(env: Environment): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

function pem(curve: string, type: 'pkcs8' | 'sec1' = 'pkcs8'): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
  return privateKey.export({ type, format: 'pem' }) as string
}

const google = { GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET: 'a secret' }
const apple = {
  APPLE_CLIENT_ID: 'com.example.web',
  APPLE_TEAM_ID: 'team',
  APPLE_KEY_ID: 'key',
  APPLE_PRIVATE_KEY: pem('P-256'),
}
const acme = {
  OIDC_ACME_ISSUER: 'https://id.acme.example/realm',
  OIDC_ACME_CLIENT_ID: 'id',
  OIDC_ACME_CLIENT_SECRET: 'a secret',
}

describe('the variables of providers', () => {
  it('name each provider that has all it needs, in one order', () => {
    const { providers } = loadConfig({
      ...acme,
      OIDC_OTHER_HOUSE_ISSUER: 'http://127.0.0.1:4010',
      OIDC_OTHER_HOUSE_CLIENT_ID: 'id',
      OIDC_OTHER_HOUSE_CLIENT_SECRET: 'a secret',
      ...apple,
      ...google,
    })
    expect(providers.map(({ id, kind }) => [id, kind])).toEqual([
      ['google', 'google'],
      ['apple', 'apple'],
      ['acme', 'openid'],
      ['other-house', 'openid'],
    ])
  })

  it('name none if they are empty, or are of someone else', () => {
    const env = { GOOGLE_CLIENT_ID: '', GOOGLE_TENANT: 'x', GITHUB_TOKEN: 'x', DISCORD_URL: 'x' }
    expect(loadConfig(env).providers).toEqual([])
  })

  it('make an OpenID client public that has no secret, and no other', () => {
    const { OIDC_ACME_ISSUER, OIDC_ACME_CLIENT_ID } = acme
    const { providers } = loadConfig({ OIDC_ACME_ISSUER, OIDC_ACME_CLIENT_ID })
    expect(providers.map(({ id, clientSecret }) => [id, clientSecret])).toEqual([['acme', '']])
    expect(problemsOf({ GITLAB_CLIENT_ID: 'id' })).toHaveLength(1)
  })

  it('take a private key with its line ends written out', () => {
    const { providers } = loadConfig({
      ...apple,
      APPLE_PRIVATE_KEY: apple.APPLE_PRIVATE_KEY.replaceAll('\n', '\\n'),
    })
    expect(providers[0]!.signingKey!.privateKey).toBe(apple.APPLE_PRIVATE_KEY)
  })

  const half: [env: Environment, problem: string][] = [
    [{ GOOGLE_CLIENT_ID: 'x' }, 'GOOGLE_CLIENT_SECRET must be set together with GOOGLE_CLIENT_ID'],
    [
      { GITHUB_CLIENT_SECRET: 'x' },
      'GITHUB_CLIENT_ID must be set together with GITHUB_CLIENT_SECRET',
    ],
    [
      { FACEBOOK_KEEP_TOKENS: 'on' },
      'FACEBOOK_CLIENT_ID, FACEBOOK_CLIENT_SECRET must be set together with FACEBOOK_KEEP_TOKENS',
    ],
    [
      { APPLE_CLIENT_ID: 'x', APPLE_PRIVATE_KEY: apple.APPLE_PRIVATE_KEY },
      'APPLE_TEAM_ID, APPLE_KEY_ID must be set together with APPLE_CLIENT_ID, APPLE_PRIVATE_KEY',
    ],
    [
      { OIDC_ACME_ISSUER: 'https://id.acme.example' },
      'OIDC_ACME_CLIENT_ID must be set together with OIDC_ACME_ISSUER',
    ],
  ]
  it.each(half)('stop the start if they are half set: %o', (env, problem) => {
    expect(problemsOf(env)).toEqual([problem])
  })

  it('stop the start if a variable has its former name, and name the new one', () => {
    expect(problemsOf({ ...acme, OIDC_ACME_ATTESTS_EMAIL: 'off' })).toEqual([
      'OIDC_ACME_ATTESTS_EMAIL is not a variable of Latchkey. Use OIDC_ACME_TRUST_EMAIL_VERIFIED.',
    ])
    expect(problemsOf({ ...acme, OIDC_ACME_ATTESTS_EMAIL: '' })).toEqual([])
  })

  const wrong: [what: string, env: Environment, variable: string][] = [
    ['a switch that is neither', { ...google, GOOGLE_KEEP_TOKENS: 'maybe' }, 'GOOGLE_KEEP_TOKENS'],
    [
      'another one',
      { ...acme, OIDC_ACME_TRUST_EMAIL_VERIFIED: 'none' },
      'OIDC_ACME_TRUST_EMAIL_VERIFIED',
    ],
    ['plain http', { ...acme, OIDC_ACME_ISSUER: 'http://id.acme.example' }, 'OIDC_ACME_ISSUER'],
    ['no URL', { ...acme, OIDC_ACME_ISSUER: 'id.acme.example' }, 'OIDC_ACME_ISSUER'],
    ['a query', { ...acme, OIDC_ACME_ISSUER: 'https://id.acme.example?x' }, 'OIDC_ACME_ISSUER'],
    ['a password', { ...acme, OIDC_ACME_ISSUER: 'https://a:b@acme.example' }, 'OIDC_ACME_ISSUER'],
    [
      'the name of a provider',
      {
        OIDC_GOOGLE_ISSUER: 'https://accounts.google.com',
        OIDC_GOOGLE_CLIENT_ID: 'x',
        OIDC_GOOGLE_CLIENT_SECRET: 'x',
      },
      'OIDC_GOOGLE_ISSUER',
    ],
    [
      'a path where an origin is asked for',
      { GITHUB_CLIENT_ID: 'x', GITHUB_CLIENT_SECRET: 'x', GITHUB_URL: 'https://git.example/api' },
      'GITHUB_URL',
    ],
    [
      'a path for a tenant',
      { MICROSOFT_CLIENT_ID: 'x', MICROSOFT_CLIENT_SECRET: 'x', MICROSOFT_TENANT: 'a/../b' },
      'MICROSOFT_TENANT',
    ],
    [
      'a way that is none',
      { ...acme, OIDC_ACME_TOKEN_AUTH_METHOD: 'private_key_jwt' },
      'OIDC_ACME_TOKEN_AUTH_METHOD',
    ],
    [
      'no way beside a secret',
      { ...acme, OIDC_ACME_TOKEN_AUTH_METHOD: 'none' },
      'OIDC_ACME_TOKEN_AUTH_METHOD',
    ],
    [
      'a way that needs a secret',
      { ...acme, OIDC_ACME_CLIENT_SECRET: '', OIDC_ACME_TOKEN_AUTH_METHOD: 'client_secret_post' },
      'OIDC_ACME_TOKEN_AUTH_METHOD',
    ],
    ['no key', { ...apple, APPLE_PRIVATE_KEY: 'a-key-to-look-for' }, 'APPLE_PRIVATE_KEY'],
    ['another curve', { ...apple, APPLE_PRIVATE_KEY: pem('P-384') }, 'APPLE_PRIVATE_KEY'],
    ['another form', { ...apple, APPLE_PRIVATE_KEY: pem('P-256', 'sec1') }, 'APPLE_PRIVATE_KEY'],
    [
      'another kind of key',
      {
        ...apple,
        APPLE_PRIVATE_KEY: generateKeyPairSync('ed25519').privateKey.export({
          type: 'pkcs8',
          format: 'pem',
        }) as string,
      },
      'APPLE_PRIVATE_KEY',
    ],
  ]
  it.each(wrong)('stop the start for %s, naming the variable and not its value', (_, env, name) => {
    const problems = problemsOf(env)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${name} must `))
    for (const value of Object.values(env).filter((text) => text.length > 8)) {
      expect(problems[0]).not.toContain(value)
    }
  })

  it('are all listed for the documentation', () => {
    const listed = Object.keys(providerVariables).flatMap((suffix) => namesOf(suffix))
    for (const name of Object.keys({ ...google, ...apple, ...acme })) {
      expect(listed).toContain(name.replace(/^OIDC_[A-Z]+_/, 'OIDC_<NAME>_'))
    }
  })

  it('are all explained in docs/guides/providers.md', () => {
    const guide = readFileSync(new URL('../../docs/guides/providers.md', import.meta.url), 'utf8')
    const missing = Object.keys(providerVariables).flatMap((suffix) =>
      guide.includes(`\`<PROVIDER>_${suffix}\``)
        ? []
        : namesOf(suffix).filter((name) => !guide.includes(`\`${name}\``)),
    )
    expect(missing).toEqual([])
  })
})
