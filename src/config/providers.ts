/** The providers that the environment names, each with all that it needs or none of it. */
import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import { isSafeOrigin, parseToggle, readVariable, toggleRule } from './formats.ts'

/**
 * The providers with facts of their own, and which variables they have beside those of every provider.
 * A new one adds its line here and in providers/catalogue.ts.
 */
const kinds = {
  google: {},
  microsoft: { optional: ['TENANT'] },
  apple: { required: ['TEAM_ID', 'KEY_ID', 'PRIVATE_KEY'] },
  gitlab: { optional: ['URL', 'FORMER_URL'] },
  github: { optional: ['URL', 'FORMER_URL'] },
  facebook: {},
  discord: {},
} satisfies Record<string, Kind>

interface Kind {
  /** In place of CLIENT_SECRET. */
  readonly required?: readonly string[]
  readonly optional?: readonly string[]
}

const openid: Kind = {
  required: ['ISSUER'],
  optional: ['CLIENT_SECRET', 'ATTESTS_EMAIL', 'FORMER_ISSUER'],
}

/** How a client proves itself to a token endpoint; `none` for a public client, which has no secret. */
const tokenAuthMethods = ['client_secret_basic', 'client_secret_post', 'none'] as const
export type TokenAuthMethod = (typeof tokenAuthMethods)[number]

export const providerNames: readonly string[] = Object.keys(kinds)

export type ProviderKind = keyof typeof kinds | 'openid'

export interface ProviderSettings {
  /** As in `Query.providers`: `google`, or the lower-cased name of an OpenID issuer. */
  readonly id: string
  readonly kind: ProviderKind
  readonly clientId: string
  /** Empty for Apple, whose secret is signed for each request, and for a public client. */
  readonly clientSecret: string
  /** Undefined: what the provider's definition, its metadata and its refusals say. */
  readonly tokenAuthMethod: TokenAuthMethod | undefined
  /** Beside what sign-in needs; what the person is asked for. */
  readonly scopes: string | undefined
  readonly keepsTokens: boolean
  /** What the button says, where the operator wants another word. */
  readonly label: string | undefined
  /** The issuer, or the origin of one's own installation. */
  readonly url: string | undefined
  /** What `url` was before: the users are the same. */
  readonly formerUrl: string | undefined
  /** The variables of the two, for messages. */
  readonly issuerVariable: string
  readonly formerIssuerVariable: string
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
  '<PROVIDER>_CLIENT_SECRET':
    'Its secret; not for Apple, and not for a public client of an OpenID issuer.',
  '<PROVIDER>_TOKEN_AUTH_METHOD':
    '`client_secret_basic`, `client_secret_post` or `none`, if the right one is not found; not for Apple.',
  '<PROVIDER>_SCOPES': 'Scopes beside those that signing in needs, separated by spaces.',
  '<PROVIDER>_KEEP_TOKENS': "`on` keeps the provider's own tokens for `providerToken`.",
  '<PROVIDER>_LABEL': 'What the button says.',
  GITHUB_URL: 'The origin of a GitHub Enterprise Server.',
  GITLAB_URL: 'The origin of a GitLab of your own.',
  GITHUB_FORMER_URL:
    'The origin that the GitHub Enterprise Server had before; the users are the same.',
  GITLAB_FORMER_URL: 'The origin that the GitLab had before; the users are the same.',
  MICROSOFT_TENANT: 'A tenant; `common` where it is left out.',
  APPLE_TEAM_ID: 'With APPLE_KEY_ID and APPLE_PRIVATE_KEY, in place of a secret.',
  APPLE_KEY_ID: 'The key that is registered for Sign in with Apple.',
  APPLE_PRIVATE_KEY: 'The text of its .p8 file; line ends may be written as \\n.',
  'OIDC_<NAME>_ISSUER': 'Any OpenID issuer, by discovery; https and a name unless it is loopback.',
  'OIDC_<NAME>_FORMER_ISSUER':
    'The issuer that this one was before it moved to another address; the users are the same.',
  'OIDC_<NAME>_ATTESTS_EMAIL':
    '`off` where the issuer does not prove that an address is the person’s.',
} as const

type Environment = Readonly<Record<string, string | undefined>>

const openidVariable =
  /^OIDC_([A-Z0-9]+(?:_[A-Z0-9]+)*?)_(ISSUER|FORMER_ISSUER|CLIENT_ID|CLIENT_SECRET|TOKEN_AUTH_METHOD|SCOPES|LABEL|KEEP_TOKENS|ATTESTS_EMAIL)$/
/** As long as the database keeps it. */
const idCharacters = 64

export function readProviderSettings(env: Environment): {
  providers: ProviderSettings[]
  problems: string[]
} {
  const problems: string[] = []
  const named: { id: string; kind: ProviderKind; prefix: string; has: Kind }[] = [
    ...Object.entries<Kind>(kinds).map(([kind, has]) => ({
      id: kind,
      kind: kind as ProviderKind,
      prefix: kind.toUpperCase(),
      has,
    })),
    ...openidNames(env).map((name) => ({
      id: name.toLowerCase().replaceAll('_', '-'),
      kind: 'openid' as const,
      prefix: `OIDC_${name}`,
      has: openid,
    })),
  ]
  const providers = named.flatMap(({ id, kind, prefix, has }): ProviderSettings[] => {
    const required = ['CLIENT_ID', ...(has.required ?? ['CLIENT_SECRET'])]
    const general = ['SCOPES', 'KEEP_TOKENS', 'LABEL', 'TOKEN_AUTH_METHOD']
    const suffixes = [...required, ...general, ...(has.optional ?? [])].filter(
      (suffix) => !(kind === 'apple' && suffix === 'TOKEN_AUTH_METHOD'),
    )
    const read = (suffix: string) =>
      suffixes.includes(suffix) ? readVariable(env, `${prefix}_${suffix}`) : undefined
    const readToggle = (suffix: string) => parseToggle(read(suffix) ?? '')
    const isSet = (suffix: string) => read(suffix) !== undefined
    const isUnset = (suffix: string) => read(suffix) === undefined
    const list = (of: string[]) => of.map((suffix) => `${prefix}_${suffix}`).join(', ')
    const complain = (suffix: string, rule: string) => problems.push(`${prefix}_${suffix} ${rule}`)

    if (!suffixes.some(isSet)) return []
    if (required.some(isUnset)) {
      const [missing, present] = [required.filter(isUnset), suffixes.filter(isSet)]
      problems.push(`${list(missing)} must be set beside ${list(present)}`)
    }
    for (const suffix of ['KEEP_TOKENS', 'ATTESTS_EMAIL']) {
      if (isSet(suffix) && readToggle(suffix) === undefined) complain(suffix, toggleRule)
    }
    const tokenAuthMethod = tokenAuthMethods.find((name) => name === read('TOKEN_AUTH_METHOD'))
    if (isSet('TOKEN_AUTH_METHOD') && tokenAuthMethod === undefined) {
      complain('TOKEN_AUTH_METHOD', `must be one of ${tokenAuthMethods.join(', ')}`)
    } else if (tokenAuthMethod === 'none' && isSet('CLIENT_SECRET')) {
      complain('TOKEN_AUTH_METHOD', `must not be none while ${prefix}_CLIENT_SECRET is set`)
    } else if (tokenAuthMethod?.startsWith('client_secret') === true && isUnset('CLIENT_SECRET')) {
      complain('TOKEN_AUTH_METHOD', `must be none unless ${prefix}_CLIENT_SECRET is set`)
    }
    for (const suffix of ['ISSUER', 'URL', 'FORMER_ISSUER', 'FORMER_URL']) {
      const url = read(suffix)
      if (url !== undefined && !isSafeIssuer(url, suffix.endsWith('ISSUER'))) {
        complain(
          suffix,
          'must be an https address with a name, without query or fragment (http and numbers only on loopback)',
        )
      }
    }
    if (kind === 'openid' && Object.hasOwn(kinds, id)) {
      complain('ISSUER', `must go by another name: ${id} is a provider of its own`)
    }
    if (id.length > idCharacters) {
      complain('ISSUER', `must go by a name of at most ${idCharacters} characters`)
    }
    const tenant = read('TENANT')
    if (tenant !== undefined && !/^[\w.-]+$/.test(tenant)) {
      complain('TENANT', "must be a tenant's id or domain")
    }
    const privateKey = read('PRIVATE_KEY')?.replaceAll(/\\r\\n|\\n|\r\n/g, '\n')
    if (privateKey !== undefined && !isSigningKey(privateKey)) {
      complain('PRIVATE_KEY', 'must be the text of the .p8 file: a P-256 key in PKCS#8')
    }
    return [
      {
        id,
        kind,
        clientId: read('CLIENT_ID') ?? '',
        clientSecret: read('CLIENT_SECRET') ?? '',
        tokenAuthMethod,
        scopes: read('SCOPES'),
        keepsTokens: readToggle('KEEP_TOKENS') === true,
        label: read('LABEL'),
        url: read('ISSUER') ?? read('URL'),
        formerUrl: read('FORMER_ISSUER') ?? read('FORMER_URL'),
        issuerVariable: `${prefix}_${kind === 'openid' ? 'ISSUER' : 'URL'}`,
        formerIssuerVariable: `${prefix}_FORMER_${kind === 'openid' ? 'ISSUER' : 'URL'}`,
        attestsEmail: readToggle('ATTESTS_EMAIL') !== false,
        tenant,
        signingKey:
          privateKey === undefined
            ? undefined
            : { teamId: read('TEAM_ID') ?? '', keyId: read('KEY_ID') ?? '', privateKey },
      },
    ]
  })
  return { providers, problems }
}

function openidNames(env: Environment): string[] {
  const names = Object.keys(env)
    .filter((variable) => readVariable(env, variable) !== undefined)
    .map((variable) => openidVariable.exec(variable)?.[1])
    .filter((name) => name !== undefined)
  return [...new Set(names)].toSorted()
}

function isSafeIssuer(text: string, mayHavePath: boolean): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  // http is safe on loopback alone.
  const isLoopback = isSafeOrigin(`http://${url.host}`)
  return (
    isSafeOrigin(url.origin) &&
    // Calls to what is written as an address are refused, since metadata may lead them inside.
    (isLoopback || isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0) &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    (mayHavePath || url.pathname === '/')
  )
}

function isSigningKey(text: string): boolean {
  try {
    const { asymmetricKeyDetails } = createPrivateKey(text)
    return text.includes('BEGIN PRIVATE KEY') && asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false
  }
}
