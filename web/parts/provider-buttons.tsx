/** The buttons that lead to a provider. */
import type { FlowPurpose } from '../../client/index.ts'
import type { OfferedProvider } from '../providers.tsx'
import { ProblemNotice } from './notice.tsx'
import { ProviderIcon } from './provider-icon.tsx'
import { useProviderLogin } from './use-provider-login.ts'

interface ProviderButtonsProps {
  readonly providers: readonly OfferedProvider[]
  readonly purpose: FlowPurpose
  /** Before the provider's name: `Continue with`. */
  readonly verb: string
  /** Whether it is what the view is about. */
  readonly isMain?: boolean
}

export function ProviderButtons({ providers, purpose, verb, isMain }: ProviderButtonsProps) {
  const { begin, isBusy, problem, retry } = useProviderLogin(purpose)
  return (
    <>
      {problem && <ProblemNotice problem={problem} retry={retry} />}
      <ul className="provider-buttons">
        {providers.map(({ id, name }) => (
          <li key={id}>
            <button
              type="button"
              className={`button ${isMain === true ? 'button-main' : 'button-wide'}`}
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
