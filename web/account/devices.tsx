/** Where the user is signed in, and signing out there. */
import { useRef, useState } from 'react'
import { LogoutScope, RevokeSessionDocument } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { deviceName } from '../device-name.ts'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { Notice, ProblemNotice, type Message } from '../parts/notice.tsx'
import { useAction } from '../parts/use-action.ts'
import { useProviderNames } from '../providers.tsx'
import { useSignOut } from '../sign-out.tsx'
import { signInMethodName } from '../sign-in-method.ts'
import type { Person, SectionProps } from './account.tsx'
import { Moment } from './moment.tsx'
import { Section } from './section.tsx'

type Session = Person['sessions'][number]

export function Devices({ person, reload }: SectionProps) {
  const { auth } = useAuth()
  const { signOut: signOutHere } = useSignOut()
  const action = useAction()
  const heading = useRef<HTMLHeadingElement>(null)
  const [isAsked, setIsAsked] = useState(false)
  const [done, setDone] = useState<Message>()
  const sessions = person.sessions.toSorted((a, b) => Number(b.current) - Number(a.current))

  /** The button that was pressed is gone afterwards, so the heading takes the focus. */
  const signOut = (work: () => Promise<unknown>, text: string) =>
    action.run(async () => {
      setDone(undefined)
      await work()
      await reload()
      setDone({ kind: 'good', text })
      heading.current?.focus()
    })
  return (
    <Section
      id="devices"
      title="Devices"
      heading={heading}
      lead="Where you are signed in. If you don’t recognise a device, sign it out and change your password."
    >
      <Notice message={done} />
      {action.problem && <ProblemNotice problem={action.problem} retry={action.retry} />}
      <ul className="rows">
        {sessions.map((session) => (
          <Device
            key={session.id}
            session={session}
            isBusy={action.isBusy}
            onSignOut={() =>
              signOut(
                () => auth.request(RevokeSessionDocument, { id: session.id }),
                `${deviceName(session.userAgent ?? null)} is signed out.`,
              )
            }
          />
        ))}
      </ul>
      <div className="section-buttons">
        {sessions.length > 1 && (
          <button
            type="button"
            className="button"
            aria-disabled={action.isBusy}
            onClick={() =>
              signOut(() => auth.logout(LogoutScope.OTHERS), 'All other devices are signed out.')
            }
          >
            Sign out all other devices
          </button>
        )}
        <button type="button" className="button button-danger" onClick={() => setIsAsked(true)}>
          Sign out everywhere
        </button>
      </div>
      {isAsked && (
        <ConfirmDialog
          title="Sign out everywhere?"
          confirm="Sign out everywhere"
          onConfirm={() => signOutHere(LogoutScope.ALL)}
          onCancel={() => setIsAsked(false)}
        >
          <p>This device is signed out as well, and you will have to sign in again.</p>
        </ConfirmDialog>
      )}
    </Section>
  )
}

interface DeviceProps {
  readonly session: Session
  readonly isBusy: boolean
  readonly onSignOut: () => void
}

function Device({ session, isBusy, onSignOut }: DeviceProps) {
  const names = useProviderNames()
  const name = deviceName(session.userAgent ?? null)
  return (
    <li className="row">
      <div className="row-text">
        <strong>
          {name} {session.current && <span className="badge">This device</span>}
        </strong>
        <span>
          {session.current ? 'In use now' : 'Last used '}
          {!session.current && <Moment at={session.lastUsedAt} />}
          {session.ip != null && ` from ${session.ip}`}
        </span>
        <span>
          Signed in <Moment at={session.createdAt} day /> with{' '}
          {signInMethodName(session.method, names)}
        </span>
      </div>
      {!session.current && (
        <button
          type="button"
          className="button"
          aria-disabled={isBusy}
          aria-label={`Sign out ${name}`}
          onClick={onSignOut}
        >
          Sign out
        </button>
      )}
    </li>
  )
}
