/**
 * Microsoft Entra ID and personal accounts: OpenID Connect by discovery.
 * Facts: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc and
 * .../id-token-claims-reference. The issuer of a token names the tenant (`…/{tid}/v2.0`), also where
 * the metadata of `common` write a placeholder; openid-client fills it in from `tid`. `sub` is the
 * user's for this client. The e-mail claim is whatever a tenant's administrator typed: it proves
 * nothing (the nOAuth mistake), so it is never attested. `offline_access` gets a refresh token without
 * a question of its own (learn.microsoft.com/entra/identity-platform/scopes-oidc).
 */
import { nameIn, subject, text, type ProviderDefinition } from './provider-definition.ts'

/** @param tenant an id, a domain, or `common`, `organizations`, `consumers` */
export function microsoft(tenant: string): ProviderDefinition {
  return {
    name: 'Microsoft',
    server: { issuer: new URL(`https://login.microsoftonline.com/${tenant}/v2.0`) },
    // A user of the client has one `sub`, whichever of the tenants is configured.
    subjectIssuer: 'https://login.microsoftonline.com',
    scopes: ['openid', 'email', 'profile'],
    clientAuthentication: 'client_secret_post',
    offline: { scopes: ['offline_access'] },
    profile: ({ claims }) => ({
      subject: subject(claims['sub']),
      email: text(claims['email']),
      emailVerified: false,
      name: nameIn(claims),
    }),
  }
}
