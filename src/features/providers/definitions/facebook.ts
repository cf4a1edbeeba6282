/**
 * Facebook: plain OAuth2, the profile from the Graph API.
 * Facts: developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow and
 * .../docs/graph-api/reference/user; .../docs/facebook-login/reauthentication (`auth_type=reauthenticate`
 * asks for the password again). The id is the user's for this app. There may be no e-mail (an
 * account by telephone number, or a user who declined), and nothing says whether it is proven, so
 * it is never attested. Tokens last about sixty days and cannot be renewed.
 */
import { record, subject, text, type ProviderDefinition } from './provider-definition.ts'

/** .../docs/graph-api/changelog/versions: of July 2026; each lives for two years or more. */
const version = 'v26.0'

export function facebook(): ProviderDefinition {
  return {
    name: 'Facebook',
    server: {
      metadata: {
        issuer: 'https://www.facebook.com',
        authorization_endpoint: `https://www.facebook.com/${version}/dialog/oauth`,
        token_endpoint: `https://graph.facebook.com/${version}/oauth/access_token`,
      },
    },
    scopes: ['public_profile', 'email'],
    clientAuthentication: 'client_secret_post',
    reauthenticationParameters: { auth_type: 'reauthenticate' },
    profile: async ({ get }) => {
      const user = record(
        await get(`https://graph.facebook.com/${version}/me?fields=id,name,email`),
      )
      return {
        subject: subject(user['id']),
        email: text(user['email']),
        emailVerified: false,
        name: text(user['name']),
      }
    },
  }
}
