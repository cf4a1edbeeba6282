/**
 * Any OpenID issuer, by discovery.
 * Facts: OpenID Connect Core 1.0, sections 5.1 (claims), 5.3 (userinfo) and 5.7 (subject and issuer
 * together name a user; an e-mail address does not).
 */
import { nameIn, subject, text, type ProviderDefinition } from './provider-definition.ts'

/** @param trustsEmailVerified whether the issuer's `email_verified` is to be believed */
export function openid(
  name: string,
  issuer: string,
  trustsEmailVerified: boolean,
): ProviderDefinition {
  return {
    name,
    server: { issuer: new URL(issuer) },
    scopes: ['openid', 'email', 'profile'],
    clientAuthentication: 'auto',
    usesUserinfo: true,
    profile: ({ claims }) => ({
      subject: subject(claims['sub']),
      email: text(claims['email']),
      emailVerified: trustsEmailVerified && claims['email_verified'] === true,
      name: nameIn(claims) ?? text(claims['preferred_username']),
    }),
  }
}
