/** What the page with Apollo Sandbox may load: Apollo's own hosts, and nothing else. */

// The page sets a nonce for its inline scripts in a policy of its own; a browser applies both.
export const sandboxContentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' https://embeddable-sandbox.cdn.apollographql.com",
  "style-src 'unsafe-inline' https://fonts.googleapis.com https://embeddable-sandbox.cdn.apollographql.com",
  'font-src https://fonts.gstatic.com',
  'img-src https://apollo-server-landing-page.cdn.apollographql.com',
  'manifest-src https://apollo-server-landing-page.cdn.apollographql.com',
  'frame-src https://sandbox.embed.apollographql.com',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
