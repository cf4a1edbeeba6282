/**
 * Discord: plain OAuth2, the profile from its API.
 * Facts: discord.com/developers/docs/topics/oauth2 and .../docs/resources/user (`verified` says
 * whether the address is proven; `global_name` is what users call themselves);
 * discord.com/.well-known/oauth-authorization-server (PKCE with S256, and `iss` with every code).
 */
import { record, subject, text, type ProviderDefinition } from './provider-definition.ts'

export function discord(): ProviderDefinition {
  return {
    name: 'Discord',
    server: {
      metadata: {
        issuer: 'https://discord.com',
        authorization_endpoint: 'https://discord.com/oauth2/authorize',
        token_endpoint: 'https://discord.com/api/v10/oauth2/token',
        authorization_response_iss_parameter_supported: true,
      },
    },
    scopes: ['identify', 'email'],
    clientAuthentication: 'client_secret_post',
    profile: async ({ get }) => {
      const user = record(await get('https://discord.com/api/v10/users/@me'))
      return {
        subject: subject(user['id']),
        email: text(user['email']),
        emailVerified: user['verified'] === true,
        name: text(user['global_name']) ?? text(user['username']),
      }
    },
  }
}
