/** The page of a signed-in user. */
import { LogoutScope, type AccountQuery } from '../../client/index.ts'
import { Brand } from '../parts/brand.tsx'
import { Notice, ProblemNotice, type Message } from '../parts/notice.tsx'
import { useAction } from '../parts/use-action.ts'
import { useViewHeading } from '../parts/view.tsx'
import { useProviders } from '../providers.tsx'
import { useSignOut } from '../sign-out.tsx'
import { Devices } from './devices.tsx'
import { Events } from './events.tsx'
import { LinkedProviders } from './linked-providers.tsx'
import { Password } from './password.tsx'
import { Profile } from './profile.tsx'
import { useAccount } from './use-account.ts'

export type Person = AccountQuery['me']

/** What each section gets. */
export interface SectionProps {
  readonly person: Person
  /** Reads the account again, after a change. */
  readonly reload: () => Promise<void>
}

export function Account({ message }: { message: Message | undefined }) {
  const heading = useViewHeading('Your account')
  const { person, problem, reload, retry } = useAccount()
  const providers = useProviders()
  const hasProviders = providers.length > 0 || (person && person.identities.length > 0)
  const sections = [
    { id: 'profile', title: 'Profile' },
    { id: 'password', title: 'Password' },
    ...(hasProviders === true ? [{ id: 'providers', title: 'Linked providers' }] : []),
    { id: 'devices', title: 'Devices' },
    { id: 'events', title: 'Recent events' },
  ]
  return (
    <>
      <a className="skip" href="#account">
        Skip to your account
      </a>
      <header className="bar">
        <div className="bar-inside">
          <Brand />
          <SignOut />
        </div>
      </header>
      <div className="account">
        <nav aria-label="Your account">
          <ul>
            {sections.map(({ id, title }) => (
              <li key={id}>
                <a href={`#${id}`}>{title}</a>
              </li>
            ))}
          </ul>
        </nav>
        <main id="account" tabIndex={-1}>
          <h1 ref={heading} tabIndex={-1}>
            Your account
          </h1>
          <Notice message={message} />
          {problem && <ProblemNotice problem={problem} retry={retry} />}
          {person ? (
            <>
              <Profile person={person} />
              <Password person={person} reload={reload} />
              {hasProviders === true && <LinkedProviders person={person} reload={reload} />}
              <Devices person={person} reload={reload} />
              <Events person={person} />
            </>
          ) : (
            !problem && (
              <p role="status" className="waiting">
                Loading…
              </p>
            )
          )}
        </main>
      </div>
    </>
  )
}

function SignOut() {
  const { signOut } = useSignOut()
  const { isBusy, run } = useAction()
  return (
    <button
      type="button"
      className="button button-quiet sign-out"
      aria-disabled={isBusy}
      onClick={() => run(() => signOut(LogoutScope.THIS))}
    >
      Sign out
    </button>
  )
}
