/** The one list of the variables that each provider may have, by what follows the provider's name. */

/** The providers with facts of their own; a new one is added here and in features/providers/definitions. */
const named = [
  // In the order in which `providers` lists them.
  'google',
  'microsoft',
  'apple',
  'gitlab',
  'github',
  'facebook',
  'discord',
] as const

export type ProviderKind = (typeof named)[number] | 'openid'

export const providerNames: readonly string[] = named

const all: readonly ProviderKind[] = [...named, 'openid']
const allBut = (...excluded: ProviderKind[]) => all.filter((kind) => !excluded.includes(kind))

interface ProviderVariable {
  readonly requiredBy?: readonly ProviderKind[]
  readonly optionalFor?: readonly ProviderKind[]
  /** For the documentation: whole sentences. */
  readonly description: string
}

export const providerVariables = {
  CLIENT_ID: { requiredBy: all, description: 'The id of the client registered at the provider.' },
  ISSUER: {
    requiredBy: ['openid'],
    description:
      'Any OpenID Connect issuer that supports discovery; https and a host name, unless it is loopback.',
  },
  CLIENT_SECRET: {
    requiredBy: allBut('apple', 'openid'),
    optionalFor: ['openid'],
    description: 'The secret of that client. A public client of an OpenID issuer has none.',
  },
  TEAM_ID: {
    requiredBy: ['apple'],
    description: 'The Apple team. With the key, it takes the place of a client secret.',
  },
  KEY_ID: { requiredBy: ['apple'], description: 'The key registered for Sign in with Apple.' },
  PRIVATE_KEY: {
    requiredBy: ['apple'],
    description: "The text of that key's .p8 file; line ends may be written as \\n.",
  },
  SCOPES: {
    optionalFor: all,
    description: 'Scopes in addition to those that sign-in needs, separated by spaces.',
  },
  KEEP_TOKENS: {
    optionalFor: all,
    description: "`on` keeps the provider's own tokens for `providerToken`.",
  },
  LABEL: { optionalFor: all, description: 'The text of the sign-in button.' },
  TOKEN_AUTH_METHOD: {
    optionalFor: allBut('apple'),
    description:
      '`client_secret_basic`, `client_secret_post` or `none`, if Latchkey does not find the right one by itself.',
  },
  TENANT: { optionalFor: ['microsoft'], description: 'A tenant; `common` if it is not set.' },
  URL: {
    optionalFor: ['gitlab', 'github'],
    description: 'The origin of your own GitLab or GitHub Enterprise Server.',
  },
  FORMER_URL: {
    optionalFor: ['gitlab', 'github'],
    description: 'The origin that your own server had before; the users are the same.',
  },
  FORMER_ISSUER: {
    optionalFor: ['openid'],
    description: 'The issuer before it moved to another URL; the users are the same.',
  },
  TRUST_EMAIL_VERIFIED: {
    optionalFor: ['openid'],
    description:
      "`off` ignores the issuer's `email_verified`. Set it if users of the issuer can set that claim themselves.",
  },
} as const satisfies Record<string, ProviderVariable>

export type ProviderSuffix = keyof typeof providerVariables

/** @returns the suffixes of a provider's variables, the required ones first */
export function suffixesOf(kind: ProviderKind): { required: string[]; optional: string[] } {
  const entries = Object.entries<ProviderVariable>(providerVariables)
  const suffixes = (list: 'requiredBy' | 'optionalFor') =>
    entries.filter(([, variable]) => variable[list]?.includes(kind)).map(([suffix]) => suffix)
  return { required: suffixes('requiredBy'), optional: suffixes('optionalFor') }
}

/** @returns the full names of a variable, with `<NAME>` for the name that the operator chooses */
export function namesOf(suffix: string): string[] {
  return all
    .filter((kind) => Object.values(suffixesOf(kind)).flat().includes(suffix))
    .map((kind) => `${kind === 'openid' ? 'OIDC_<NAME>' : kind.toUpperCase()}_${suffix}`)
}
