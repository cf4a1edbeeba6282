/**
 * Sign in with Apple: OpenID Connect, with a client secret that is a JWT signed by our key and, once
 * name or e-mail are asked for, a response that is posted as a form.
 * Facts: developer.apple.com/documentation/signinwithapplerestapi (generate and validate tokens) and
 * developer.apple.com/documentation/signinwithapple/configuring-your-webpage-for-sign-in-with-apple
 * (`response_mode` must be `form_post` with scopes). `email_verified` is "a string or Boolean value":
 * only the literal counts. Apple has no userinfo endpoint, and the ID token has no name: it comes with the
 * first response alone, as JSON in the form's `user`
 * (developer.apple.com/documentation/signinwithapple/request-an-authorization-to-the-sign-in-with-apple-server).
 * The endpoints are those of the documentation: for a day in June 2025 Apple's discovery document named
 * another issuer than its tokens, and whoever read it could sign no one in
 * (github.com/supabase/auth/issues/2051).
 */
import { record, subject, text, type ProviderDefinition } from './provider-definition.ts'

const issuer = 'https://appleid.apple.com'

export function apple(): ProviderDefinition {
  return {
    name: 'Apple',
    server: {
      metadata: {
        issuer,
        authorization_endpoint: `${issuer}/auth/authorize`,
        token_endpoint: `${issuer}/auth/token`,
        jwks_uri: `${issuer}/auth/keys`,
      },
    },
    scopes: ['openid', 'email', 'name'],
    clientAuthentication: 'apple',
    authorizationParameters: { response_mode: 'form_post' },
    // Apple documents no parameter for it, and asks for a confirmation each time.
    reauthenticationParameters: {},
    responseMode: 'form_post',
    postedName,
    profile: ({ claims }) => ({
      subject: subject(claims['sub']),
      email: text(claims['email']),
      emailVerified: claims['email_verified'] === true,
      name: null,
    }),
  }
}

function postedName(user: string): string | null {
  try {
    const { firstName, lastName } = record(record(JSON.parse(user))['name'])
    return text([text(firstName), text(lastName)].filter((part) => part !== null).join(' '))
  } catch {
    return null
  }
}
