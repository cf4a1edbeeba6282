/** A response that a provider posts to the server (OAuth 2.0 Form Post Response Mode): where it goes on to. */
import { shortenName } from '../../core/users/name.ts'
import type { FlowStore } from './flow-store.ts'
import type { ProviderClient } from './provider-client.ts'

export interface PostedResponse {
  readonly provider: string
  readonly state: string
  /** The form's `user`, which Apple sends with the first response alone. */
  readonly user: string | null
}

/**
 * Keeps what only the form says, and finds the flow's redirect URI.
 * @returns undefined if no such flow is under way, or the provider posts nothing
 */
export async function acceptPostedResponse(
  clients: ReadonlyMap<string, ProviderClient>,
  flows: FlowStore,
  { provider, state, user }: PostedResponse,
): Promise<string | undefined> {
  const definition = clients.get(provider)?.definition
  if (definition?.responseMode !== 'form_post') return undefined
  const redirectUri = await flows.redirectUriOf(provider, state)
  const posted = user === null ? null : (definition.postedName?.(user) ?? null)
  const name = posted === null ? undefined : shortenName(posted)
  if (redirectUri !== undefined && name !== undefined) await flows.keepName(provider, state, name)
  return redirectUri
}
