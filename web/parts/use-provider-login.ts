/** Sends the user to a provider, from where they come back to /callback. */
import type { FlowPurpose } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useProofBeforeLinking } from '../proof.ts'
import { useAction, type Action } from './use-action.ts'

export function useProviderLogin(
  purpose: FlowPurpose,
): Action & { readonly begin: (provider: string) => void } {
  const { auth } = useAuth()
  const action = useAction()
  const prove = useProofBeforeLinking()
  const begin = (provider: string) =>
    action.run(async () => {
      if (purpose === 'link' && !(await prove(provider))) return
      const { authorizationUrl } = await auth.providerLogin.begin(provider, {
        redirectUri: new URL('/callback', location.origin).href,
        purpose,
        returnTo: '/',
      })
      location.assign(authorizationUrl)
    })
  return { ...action, begin }
}
