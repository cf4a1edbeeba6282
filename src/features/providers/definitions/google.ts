/**
 * Google: OpenID Connect by discovery.
 * Facts: developers.google.com/identity/openid-connect/openid-connect and
 * developers.google.com/identity/gsi/web/guides/verify-google-id-token (when Google is authoritative
 * for an address: `@gmail.com`, or `email_verified` with `hd`, a Workspace domain);
 * support.google.com/mail/answer/10313 (`@googlemail.com` is the same service);
 * developers.google.com/identity/protocols/oauth2/web-server (`access_type=offline` for a refresh
 * token, which comes only with a consent that is given again). The documented values of `prompt` are `none`,
 * `consent` and `select_account`: there is none that asks for the password.
 */
import { nameIn, subject, text, type ProviderDefinition } from './provider-definition.ts'

export function google(): ProviderDefinition {
  return {
    name: 'Google',
    server: { issuer: new URL('https://accounts.google.com') },
    scopes: ['openid', 'email', 'profile'],
    clientAuthentication: 'client_secret_post',
    offline: { parameters: { access_type: 'offline', prompt: 'consent' } },
    reauthenticationParameters: { prompt: 'select_account', max_age: '0' },
    profile: ({ claims }) => {
      const email = text(claims['email'])
      const isGoogles = /@(gmail|googlemail)\.com$/i.test(email ?? '')
      return {
        subject: subject(claims['sub']),
        email,
        emailVerified:
          claims['email_verified'] === true && (isGoogles || text(claims['hd']) !== null),
        name: nameIn(claims),
      }
    },
  }
}
