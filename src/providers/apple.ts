/**
 * Sign in with Apple: OpenID Connect, with a client secret that is a JWT signed by our key and, once
 * name or e-mail are asked for, an answer that is posted as a form.
 * Facts: developer.apple.com/documentation/signinwithapplerestapi (generate and validate tokens) and
 * developer.apple.com/documentation/signinwithapple/configuring-your-webpage-for-sign-in-with-apple
 * (`response_mode` must be `form_post` with scopes). `email_verified` has been seen as the string
 * "true": only the literal counts. Apple has no userinfo endpoint, and the ID token has no name.
 */
import { subject, text, type ProviderFacts } from './provider-facts.ts'

export function apple(): ProviderFacts {
  return {
    name: 'Apple',
    server: { issuer: new URL('https://appleid.apple.com') },
    scopes: ['openid', 'email', 'name'],
    clientAuthentication: 'apple',
    authorizationParameters: { response_mode: 'form_post' },
    postsAnswer: true,
    profile: ({ claims }) => ({
      subject: subject(claims['sub']),
      email: text(claims['email']),
      isEmailAttested: claims['email_verified'] === true,
      name: null,
    }),
  }
}
