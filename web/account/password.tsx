/** Changing the password, or setting the first one. */
import { useRef, useState } from 'react'
import { ErrorCode } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { ActionForm, Field, PasswordField } from '../parts/form.tsx'
import { Notice, ProblemNotice, type Message } from '../parts/notice.tsx'
import { useAction } from '../parts/use-action.ts'
import type { SectionProps } from './account.tsx'
import { Moment } from './moment.tsx'
import { Section } from './section.tsx'

const done: Message = {
  kind: 'good',
  text: 'Your password is set, and other devices are signed out.',
}

export function Password({ person, reload }: SectionProps) {
  const { auth } = useAuth()
  const reloading = useAction()
  const [isOpen, setIsOpen] = useState(false)
  const [isDone, setIsDone] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  const { email, hasPassword, identities, passwordExpiresAt } = person
  const isExpired = passwordExpiresAt != null && Date.parse(passwordExpiresAt) <= Date.now()
  // One that has expired proves nothing: the server asks for a proof with a provider.
  const needsCurrent = hasPassword && !(isExpired && identities.length > 0)

  if (email == null) {
    return (
      <Section id="password" title="Password">
        <p>Your account has no e-mail address, so you cannot sign in with a password.</p>
      </Section>
    )
  }
  const change = async ({
    currentPassword,
    newPassword = '',
  }: Readonly<Record<string, string>>) => {
    await auth.changePassword({
      newPassword,
      ...(currentPassword !== undefined && { currentPassword }),
    })
    setIsOpen(false)
    setIsDone(true)
    heading.current?.focus()
    // The form, which would show its failure, is gone.
    reloading.run(reload)
  }
  return (
    <Section
      id="password"
      title="Password"
      heading={heading}
      lead={
        hasPassword
          ? 'A new one signs you out on all other devices.'
          : 'You have none yet. With one you can sign in without a provider.'
      }
    >
      <Notice message={isDone ? done : undefined} />
      {passwordExpiresAt != null && (
        <p>
          An operator set this password. It {isExpired ? 'worked' : 'works'} until{' '}
          <Moment at={passwordExpiresAt} />: choose one that only you know.
        </p>
      )}
      {reloading.problem && <ProblemNotice problem={reloading.problem} retry={reloading.retry} />}
      {isOpen ? (
        <>
          <ActionForm
            label={hasPassword ? 'Change password' : 'Set password'}
            busyLabel="Saving…"
            wording={{
              [ErrorCode.INVALID_CREDENTIALS]: 'The current password is not right.',
            }}
            action={change}
          >
            {/* Lets a password manager find the right password. */}
            <Field
              name="username"
              label="E-mail address"
              type="email"
              autoComplete="username"
              defaultValue={email}
              readOnly
            />
            {needsCurrent && (
              <PasswordField
                name="currentPassword"
                label="Current password"
                autoComplete="current-password"
              />
            )}
            <PasswordField
              name="newPassword"
              label="New password"
              autoComplete="new-password"
              hint="At least 8 characters."
            />
          </ActionForm>
          <button type="button" className="link" onClick={() => setIsOpen(false)}>
            Cancel
          </button>
        </>
      ) : (
        <button
          type="button"
          className="button"
          onClick={() => {
            setIsDone(false)
            setIsOpen(true)
          }}
        >
          {hasPassword ? 'Change password…' : 'Set a password…'}
        </button>
      )}
    </Section>
  )
}
