/** The providers that the environment names, each with all the variables that it needs. */
import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import { isSafeOrigin } from './addresses.ts'
import { parseToggle, readVariable, toggleRule } from './formats.ts'
import {
  providerNames,
  suffixesOf,
  type ProviderKind,
  type ProviderSuffix,
} from './provider-variables.ts'

export type { ProviderKind } from './provider-variables.ts'

/** How a client authenticates to a token endpoint; `none` for a public client, which has no secret. */
const tokenAuthMethods = ['client_secret_basic', 'client_secret_post', 'none'] as const
export type TokenAuthMethod = (typeof tokenAuthMethods)[number]

export interface ProviderSettings {
  /** As in `Query.providers`: `google`, or the lower-cased name of an OpenID issuer. */
  readonly id: string
  readonly kind: ProviderKind
  readonly clientId: string
  /** Empty for Apple, whose secret is signed for each request, and for a public client. */
  readonly clientSecret: string
  /** Undefined: what the provider's definition, its metadata and its refusals say. */
  readonly tokenAuthMethod: TokenAuthMethod | undefined
  /** In addition to what sign-in needs; the user is asked for them. */
  readonly scopes: string | undefined
  readonly keepsTokens: boolean
  /** The text of the button, if the operator has chosen one. */
  readonly label: string | undefined
  /** The issuer, or the origin of an installation of one's own. */
  readonly url: string | undefined
  /** The value of `url` before; the users are the same. */
  readonly formerUrl: string | undefined
  /** The variables of the two, for messages. */
  readonly issuerVariable: string
  readonly formerIssuerVariable: string
  /** Whether the operator lets the issuer's `email_verified` count; openid only. */
  readonly trustsEmailVerified: boolean
  readonly tenant: string | undefined
  readonly signingKey:
    | { readonly teamId: string; readonly keyId: string; readonly privateKey: string }
    | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/** The variables of one provider. */
interface Given {
  readonly id: string
  readonly kind: ProviderKind
  readonly prefix: string
  readonly texts: Readonly<Partial<Record<ProviderSuffix, string>>>
}

/** What is wrong with a variable. */
type Complaint = [suffix: ProviderSuffix, rule: string]

/** `OIDC_`, a name, and the longest suffix that fits. */
const openid = suffixesOf('openid')
const openidVariable = new RegExp(
  `^OIDC_([A-Z0-9]+(?:_[A-Z0-9]+)*?)_(?:${[...openid.required, ...openid.optional].join('|')})$`,
)
/** As long as the database keeps it. */
const idCharacters = 64

export function readProviderSettings(env: Environment): {
  providers: ProviderSettings[]
  problems: string[]
} {
  const given = [
    ...providerNames.map((name) => read(env, name, name as ProviderKind, name.toUpperCase())),
    ...openidNames(env).map((name) =>
      read(env, name.toLowerCase().replaceAll('_', '-'), 'openid', `OIDC_${name}`),
    ),
  ].filter(({ texts }) => Object.keys(texts).length > 0)
  const problems = given.flatMap((provider) => [
    ...missing(provider),
    ...[
      ...wrongToggles(provider),
      ...wrongAuthMethod(provider),
      ...wrongUrls(provider),
      ...wrongId(provider),
      ...wrongTenantOrKey(provider),
    ].map(([suffix, rule]) => `${provider.prefix}_${suffix} ${rule}`),
  ])
  return { providers: given.map(settingsOf), problems: [...problems, ...formerNames(env)] }
}

/** A setting that must not be lost silently: without it the issuer would be believed. */
function formerNames(env: Environment): string[] {
  return Object.keys(env).flatMap((variable) => {
    const [, prefix] = /^(OIDC_[A-Z0-9_]+)_ATTESTS_EMAIL$/.exec(variable) ?? []
    return prefix === undefined || readVariable(env, variable) === undefined
      ? []
      : [`${variable} is not a variable of Latchkey. Use ${prefix}_TRUST_EMAIL_VERIFIED.`]
  })
}

function openidNames(env: Environment): string[] {
  const names = Object.keys(env)
    .filter((variable) => readVariable(env, variable) !== undefined)
    .map((variable) => openidVariable.exec(variable)?.[1])
    .filter((name) => name !== undefined)
  return [...new Set(names)].toSorted()
}

function read(env: Environment, id: string, kind: ProviderKind, prefix: string): Given {
  const { required, optional } = suffixesOf(kind)
  const texts = [...required, ...optional].flatMap((suffix) => {
    const text = readVariable(env, `${prefix}_${suffix}`)
    return text === undefined ? [] : [[suffix, text]]
  })
  return { id, kind, prefix, texts: Object.fromEntries(texts) }
}

function missing({ kind, prefix, texts }: Given): string[] {
  const list = (suffixes: string[]) => suffixes.map((suffix) => `${prefix}_${suffix}`).join(', ')
  const absent = suffixesOf(kind).required.filter((suffix) => !(suffix in texts))
  return absent.length === 0
    ? []
    : [`${list(absent)} must be set together with ${list(Object.keys(texts))}`]
}

function wrongToggles({ texts }: Given): Complaint[] {
  return (['KEEP_TOKENS', 'TRUST_EMAIL_VERIFIED'] as const)
    .filter((suffix) => texts[suffix] !== undefined && parseToggle(texts[suffix]) === undefined)
    .map((suffix) => [suffix, toggleRule])
}

function wrongAuthMethod({ prefix, texts }: Given): Complaint[] {
  const { TOKEN_AUTH_METHOD: text, CLIENT_SECRET: secret } = texts
  const method = tokenAuthMethods.find((name) => name === text)
  if (text === undefined) return []
  if (method === undefined) {
    return [['TOKEN_AUTH_METHOD', `must be one of ${tokenAuthMethods.join(', ')}`]]
  }
  if (method === 'none' && secret !== undefined) {
    return [['TOKEN_AUTH_METHOD', `must not be none while ${prefix}_CLIENT_SECRET is set`]]
  }
  if (method !== 'none' && secret === undefined) {
    return [['TOKEN_AUTH_METHOD', `must be none unless ${prefix}_CLIENT_SECRET is set`]]
  }
  return []
}

function wrongUrls({ texts }: Given): Complaint[] {
  return (['ISSUER', 'URL', 'FORMER_ISSUER', 'FORMER_URL'] as const)
    .filter((suffix) => {
      const url = texts[suffix]
      return url !== undefined && !isSafeIssuer(url, suffix.endsWith('ISSUER'))
    })
    .map((suffix) => [
      suffix,
      'must be an https address with a name, without query or fragment (http and numbers only on loopback)',
    ])
}

function wrongId({ id, kind }: Given): Complaint[] {
  if (kind === 'openid' && providerNames.includes(id)) {
    return [['ISSUER', `must go by another name: ${id} is a provider of its own`]]
  }
  if (id.length > idCharacters) {
    return [['ISSUER', `must go by a name of at most ${idCharacters} characters`]]
  }
  return []
}

function wrongTenantOrKey({ texts }: Given): Complaint[] {
  const complaints: Complaint[] = []
  if (texts.TENANT !== undefined && !/^[\w.-]+$/.test(texts.TENANT)) {
    complaints.push(['TENANT', "must be a tenant's id or domain"])
  }
  if (texts.PRIVATE_KEY !== undefined && !isSigningKey(withLineEnds(texts.PRIVATE_KEY))) {
    complaints.push(['PRIVATE_KEY', 'must be the text of the .p8 file: a P-256 key in PKCS#8'])
  }
  return complaints
}

function settingsOf({ id, kind, prefix, texts }: Given): ProviderSettings {
  const place = kind === 'openid' ? 'ISSUER' : 'URL'
  return {
    id,
    kind,
    clientId: texts.CLIENT_ID ?? '',
    clientSecret: texts.CLIENT_SECRET ?? '',
    tokenAuthMethod: tokenAuthMethods.find((name) => name === texts.TOKEN_AUTH_METHOD),
    scopes: texts.SCOPES,
    keepsTokens: parseToggle(texts.KEEP_TOKENS ?? '') === true,
    label: texts.LABEL,
    url: texts[place],
    formerUrl: texts[`FORMER_${place}`],
    issuerVariable: `${prefix}_${place}`,
    formerIssuerVariable: `${prefix}_FORMER_${place}`,
    trustsEmailVerified: parseToggle(texts.TRUST_EMAIL_VERIFIED ?? '') !== false,
    tenant: texts.TENANT,
    signingKey:
      texts.PRIVATE_KEY === undefined
        ? undefined
        : {
            teamId: texts.TEAM_ID ?? '',
            keyId: texts.KEY_ID ?? '',
            privateKey: withLineEnds(texts.PRIVATE_KEY),
          },
  }
}

/** An environment variable often has them written out. */
function withLineEnds(key: string): string {
  return key.replaceAll(/\\r\\n|\\n|\r\n/g, '\n')
}

function isSafeIssuer(text: string, mayHavePath: boolean): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  // http is safe on loopback alone.
  const isLoopback = isSafeOrigin(`http://${url.host}`)
  return (
    isSafeOrigin(url.origin) &&
    // Calls to an IP address are refused, since metadata may lead them to the internal network.
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
