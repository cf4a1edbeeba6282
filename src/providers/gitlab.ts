/**
 * GitLab, gitlab.com or one's own: OpenID Connect by discovery.
 * Facts: docs.gitlab.com/integration/openid_connect_provider. The ID token has the subject alone
 * unless asked otherwise; e-mail, `email_verified` and name come from userinfo.
 */
import { openid } from './openid.ts'
import type { ProviderFacts } from './provider-facts.ts'

/** @param url the origin of one's own installation */
export function gitlab(url = 'https://gitlab.com'): ProviderFacts {
  return { ...openid('GitLab', url, true), clientAuthentication: 'client_secret_post' }
}
