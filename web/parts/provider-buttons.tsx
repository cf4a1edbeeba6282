/** The buttons that lead to a provider, and on the way back to /callback. */
import { useAuth } from '../../client/react.ts'
import type { OfferedProvider } from '../providers.tsx'
import { ProblemNotice } from './notice.tsx'
import { ProviderIcon } from './provider-icon.tsx'
import { useAction } from './use-action.ts'

interface ProviderButtonsProps {
  readonly providers: readonly OfferedProvider[]
  readonly purpose: 'login' | 'link'
  /** Before the provider's name: `Continue with`. */
  readonly verb: string
}

export function ProviderButtons({ providers, purpose, verb }: ProviderButtonsProps) {
  const { auth } = useAuth()
  const { isBusy, problem, retry, run } = useAction()
  const begin = (provider: string) =>
    run(async () => {
      const { authorizationUrl } = await auth.providerLogin.begin(provider, {
        redirectUri: new URL('/callback', location.origin).href,
        purpose,
        returnTo: '/',
      })
      location.assign(authorizationUrl)
    })
  return (
    <>
      {problem && <ProblemNotice problem={problem} {...(retry && { retry })} />}
      <ul className="provider-buttons">
        {providers.map(({ id, name }) => (
          <li key={id}>
            <button
              type="button"
              className="button button-wide"
              aria-disabled={isBusy}
              onClick={() => begin(id)}
            >
              <ProviderIcon id={id} name={name} />
              {verb} {name}
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}
