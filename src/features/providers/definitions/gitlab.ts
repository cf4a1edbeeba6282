/**
 * GitLab, gitlab.com or one's own: OpenID Connect by discovery.
 * Facts: docs.gitlab.com/integration/openid_connect_provider, and what GitLab itself says there of
 * whom (gitlab.com/gitlab-org/gitlab: config/initializers/doorkeeper_openid_connect.rb): name comes
 * from userinfo alone, and `email_verified` is whether the user has confirmed the address.
 */
import { openid } from './openid.ts'
import type { ProviderDefinition } from './provider-definition.ts'

/** @param url the origin of one's own installation */
export function gitlab(url = 'https://gitlab.com'): ProviderDefinition {
  return { ...openid('GitLab', url, true), clientAuthentication: 'client_secret_post' }
}
