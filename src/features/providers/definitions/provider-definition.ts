/** What differs between providers. Everything else is the shared flow. */
import type { ServerMetadata } from 'openid-client'

/** What a provider says of a user, in our words. */
export interface ProviderProfile {
  /** The provider's own name for the user; never reused, unlike an e-mail address. */
  readonly subject: string
  readonly email: string | null
  /** Whether the provider attests that the address is the user's. */
  readonly emailVerified: boolean
  readonly name: string | null
}

/** What the definition of a provider may read to build a profile. */
export interface ProfileSources {
  /** The validated ID token's claims; empty for plain OAuth2. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Gets JSON from the provider's API with the user's access token. */
  readonly get: (url: string, headers?: Record<string, string>) => Promise<unknown>
  /** Gets a list page by page, following `Link: <…>; rel="next"` (RFC 8288). */
  readonly pages: (url: string, headers?: Record<string, string>) => AsyncIterable<unknown[]>
  /**
   * Asks for what the sign-in of a known user can do without: a failure is logged, and gives undefined.
   * @param isFinal whether the failure says that there is nothing. After any other one, a missing e-mail
   * address is not known to be missing
   */
  readonly optional: <T>(
    work: () => Promise<T>,
    isFinal: (error: unknown) => boolean,
  ) => Promise<T | undefined>
}

export interface ProviderDefinition {
  /** What the button says. */
  readonly name: string
  /** An OpenID issuer, whose metadata are discovered, or the metadata: plain OAuth2 without `jwks_uri`. */
  readonly server: { readonly issuer: URL } | { readonly metadata: ServerMetadata }
  /** Who issues the subjects, if the same subjects come from several issuers; the server's own otherwise. */
  readonly subjectIssuer?: string
  /** What signing in needs. */
  readonly scopes: readonly string[]
  /** `auto` goes by the discovered metadata, and by what the provider refuses. */
  readonly clientAuthentication: 'auto' | 'client_secret_post' | 'apple'
  /** Further parameters of the authorization request. */
  readonly authorizationParameters?: Readonly<Record<string, string>>
  /**
   * Scopes and parameters that are added if tokens are kept, so that they can be renewed. Left out, it is what
   * OpenID Connect has for it, if the metadata know it.
   */
  readonly offline?: {
    readonly scopes?: readonly string[]
    readonly parameters?: Readonly<Record<string, string>>
  }
  /**
   * What is asked for when the user is to prove again who they are, for a provider that does not take what
   * OpenID Connect has for it: `prompt=login` and `max_age=0`.
   */
  readonly reauthenticationParameters?: Readonly<Record<string, string>>
  /** The provider posts its response as a form, which the server forwards to the redirect URI. */
  readonly responseMode?: 'form_post'
  /** The name in the form's `user`, as a posted response has it. Anyone can post it: it identifies no one. */
  readonly postedName?: (user: string) => string | null
  /** Whether the ID token leaves things out that userinfo has. */
  readonly usesUserinfo?: boolean
  /** @throws if the provider's response makes no sense */
  profile(sources: ProfileSources): Promise<ProviderProfile> | ProviderProfile
}

export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** A subject has to be there: without one the response names no one. */
export function subject(value: unknown): string {
  if (typeof value === 'string' && isName(value)) return value
  // GitHub counts; a number that JavaScript cannot distinguish from its neighbour would be another user.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  throw new TypeError('The profile has no subject')
}

/** OpenID Connect Core section 2 bounds it to 255; what no database keeps as it is would name two people. */
function isName(name: string): boolean {
  return name !== '' && name.length <= 255 && name.isWellFormed() && !/\p{Cc}/u.test(name)
}

/** OpenID Connect Core section 5.1. */
export function nameIn(claims: Readonly<Record<string, unknown>>): string | null {
  const parts = [text(claims['given_name']), text(claims['family_name'])]
  return text(claims['name']) ?? text(parts.filter((part) => part !== null).join(' '))
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError('The profile is not an object')
  }
  return value as Record<string, unknown>
}
