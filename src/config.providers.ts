/** The providers that the environment names, each with all that it needs or none of it. */

export interface ProviderSettings {
  /** As in `Query.providers`: `google`, or the lower-cased name of an OpenID issuer. */
  readonly id: string
  readonly kind:
    | 'google'
    | 'microsoft'
    | 'apple'
    | 'gitlab'
    | 'github'
    | 'facebook'
    | 'discord'
    | 'openid'
  readonly clientId: string
  /** Empty for Apple, whose secret is signed anew each time. */
  readonly clientSecret: string
  /** Beside what sign-in needs; what the person is asked for. */
  readonly scopes: string | undefined
  readonly keepsTokens: boolean
  /** What the button says, where the operator wants another word. */
  readonly label: string | undefined
  /** The issuer, or the origin of one's own installation. */
  readonly url: string | undefined
  /** Whether the operator lets the issuer's `email_verified` count; openid only. */
  readonly attestsEmail: boolean
  readonly tenant: string | undefined
  readonly signingKey:
    | { readonly teamId: string; readonly keyId: string; readonly privateKey: string }
    | undefined
}

/** Variables beside the list of config.ts; `<PROVIDER>` is GOOGLE, GITHUB, …, or OIDC_<NAME>. */
export const providerVariables = {
  '<PROVIDER>_CLIENT_ID': 'The client that is registered at the provider.',
  '<PROVIDER>_CLIENT_SECRET': 'Its secret; not for Apple.',
  '<PROVIDER>_SCOPES': 'Scopes beside those that signing in needs, separated by spaces.',
  '<PROVIDER>_KEEP_TOKENS': "`on` keeps the provider's own tokens for `providerToken`.",
  '<PROVIDER>_LABEL': 'What the button says.',
  GITHUB_URL: 'The origin of a GitHub Enterprise Server.',
  GITLAB_URL: 'The origin of a GitLab of your own.',
  MICROSOFT_TENANT: 'A tenant; `common` where it is left out.',
  APPLE_TEAM_ID: 'With APPLE_KEY_ID and APPLE_PRIVATE_KEY, in place of a secret.',
  APPLE_KEY_ID: 'The key that is registered for Sign in with Apple.',
  APPLE_PRIVATE_KEY: 'The text of its .p8 file; line ends may be written as \\n.',
  'OIDC_<NAME>_ISSUER': 'Any OpenID issuer, by discovery; https unless it is loopback.',
  'OIDC_<NAME>_ATTESTS_EMAIL':
    '`off` where the issuer does not prove that an address is the person’s.',
} as const

type Environment = Readonly<Record<string, string | undefined>>

const wellKnown = [
  'google',
  'microsoft',
  'apple',
  'gitlab',
  'github',
  'facebook',
  'discord',
] as const
const openidVariable =
  /^OIDC_([A-Z0-9]+(?:_[A-Z0-9]+)*?)_(ISSUER|CLIENT_ID|CLIENT_SECRET|SCOPES|LABEL|KEEP_TOKENS|ATTESTS_EMAIL)$/
const appleKey = ['TEAM_ID', 'KEY_ID', 'PRIVATE_KEY'] as const

/** @param isSafeOrigin https, or loopback */
export function readProviderSettings(
  env: Environment,
  isSafeOrigin: (text: string) => boolean,
): { providers: ProviderSettings[]; problems: string[] } {
  const problems: string[] = []
  const names = [
    ...wellKnown.map((kind) => ({ id: kind, kind, prefix: kind.toUpperCase() })),
    ...openidNames(env).map((name) => ({
      id: name.toLowerCase().replaceAll('_', '-'),
      kind: 'openid' as const,
      prefix: `OIDC_${name}`,
    })),
  ]
  const providers = names.flatMap(({ id, kind, prefix }): ProviderSettings[] => {
    const read = (suffix: string) => env[`${prefix}_${suffix}`] || undefined
    const required = [
      'CLIENT_ID',
      ...(kind === 'apple' ? appleKey : ['CLIENT_SECRET']),
      ...(kind === 'openid' ? ['ISSUER'] : []),
    ]
    const present = required.filter((suffix) => read(suffix) !== undefined)
    const optional = ['SCOPES', 'KEEP_TOKENS', 'LABEL', 'ATTESTS_EMAIL', 'URL', 'TENANT']
    if (present.length === 0 && !optional.some((suffix) => read(suffix) !== undefined)) return []
    const missing = required.filter((suffix) => !present.includes(suffix))
    if (missing.length > 0) {
      problems.push(
        `${missing.map((suffix) => `${prefix}_${suffix}`).join(', ')} must be set, since ${[...present, ...optional.filter((suffix) => read(suffix))].map((suffix) => `${prefix}_${suffix}`).join(', ')} is`,
      )
    }
    for (const suffix of ['KEEP_TOKENS', 'ATTESTS_EMAIL']) {
      if (!['on', 'off', undefined].includes(read(suffix))) {
        problems.push(`${prefix}_${suffix} must be one of on, off`)
      }
    }
    const url = kind === 'openid' ? read('ISSUER') : read('URL')
    if (url !== undefined && !isSafeIssuer(url, kind === 'openid', isSafeOrigin)) {
      problems.push(
        `${prefix}_${kind === 'openid' ? 'ISSUER' : 'URL'} must be an https address, without query or fragment (http only on loopback)`,
      )
    }
    if (kind === 'openid' && wellKnown.some((known) => known === id)) {
      problems.push(`${prefix}_ISSUER must go by another name: ${id} is a provider of its own`)
    }
    const tenant = read('TENANT')
    if (tenant !== undefined && !/^[\w.-]+$/.test(tenant)) {
      problems.push(`${prefix}_TENANT must be a tenant's id or domain`)
    }
    return [
      {
        id,
        kind,
        clientId: read('CLIENT_ID') ?? '',
        clientSecret: read('CLIENT_SECRET') ?? '',
        scopes: read('SCOPES'),
        keepsTokens: read('KEEP_TOKENS') === 'on',
        label: read('LABEL'),
        url,
        attestsEmail: read('ATTESTS_EMAIL') !== 'off',
        tenant,
        signingKey:
          kind === 'apple'
            ? {
                teamId: read('TEAM_ID') ?? '',
                keyId: read('KEY_ID') ?? '',
                privateKey: (read('PRIVATE_KEY') ?? '').replaceAll('\\n', '\n'),
              }
            : undefined,
      },
    ]
  })
  return { providers, problems }
}

function openidNames(env: Environment): string[] {
  const names = Object.keys(env)
    .filter((variable) => env[variable])
    .map((variable) => openidVariable.exec(variable)?.[1])
    .filter((name) => name !== undefined)
  return [...new Set(names)].toSorted()
}

function isSafeIssuer(
  text: string,
  mayHavePath: boolean,
  isSafeOrigin: (text: string) => boolean,
): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return (
    isSafeOrigin(url.origin) &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    (mayHavePath || url.pathname === '/')
  )
}
