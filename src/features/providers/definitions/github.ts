/**
 * GitHub, github.com or an Enterprise Server: plain OAuth2 with two calls for the profile.
 * Facts: docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps (PKCE with S256;
 * a refused code gets HTTP 200 and `error`, hence without an access token, which the
 * shared flow refuses), docs.github.com/rest/users/users and .../users/emails. The profile's own
 * `email` is what the user chose to show and may be unproven: the list of addresses says which one
 * is primary and verified; it comes in pages. On an Enterprise Server the API lives under /api/v3.
 * `iss` (RFC 9207) has come with the code since 2026, with the issuer below, after a first attempt
 * that was taken back (github.com/langfuse/langfuse/issues/13091); Enterprise Servers send none. So
 * it is compared if present, and not required.
 * Nothing makes GitHub ask for the password again; `prompt=select_account` makes it ask something.
 */
import { responseOf } from '../provider-failure.ts'
import { record, subject, text, type ProviderDefinition } from './provider-definition.ts'

/** @param url the origin of an Enterprise Server */
export function github(url?: string): ProviderDefinition {
  const origin = new URL(url ?? 'https://github.com').origin
  const api = url === undefined ? 'https://api.github.com' : `${origin}/api/v3`
  const headers = {
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  }
  return {
    name: 'GitHub',
    server: {
      metadata: {
        issuer: `${origin}/login/oauth`,
        authorization_endpoint: `${origin}/login/oauth/authorize`,
        token_endpoint: `${origin}/login/oauth/access_token`,
      },
    },
    scopes: ['read:user', 'user:email'],
    clientAuthentication: 'client_secret_post',
    reauthenticationParameters: { prompt: 'select_account' },
    profile: async ({ get, optional, pages }) => {
      const user = record(await get(`${api}/user`, headers))
      const primary = await optional(async () => {
        for await (const page of pages(`${api}/user/emails?per_page=100`, headers)) {
          const found = page.map(record).find((entry) => entry['primary'] === true)
          if (found) return found
        }
        return undefined
      }, isWithoutPermission)
      return {
        subject: subject(user['id']),
        email: text(primary?.['email']),
        emailVerified: primary?.['verified'] === true,
        name: text(user['name']) ?? text(user['login']),
      }
    },
  }
}

/**
 * A GitHub App without the permission "Email addresses" is refused: then there is no address. A 403 may
 * also be a rate limit (docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
 */
function isWithoutPermission(error: unknown): boolean {
  const response = responseOf(error)
  if (response?.status === 404) return true
  const isLimited =
    response?.headers.get('x-ratelimit-remaining') === '0' || response?.headers.has('retry-after')
  return response?.status === 403 && !isLimited
}
