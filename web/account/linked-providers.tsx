/** The providers that sign the user in: linking another one, unlinking one. */
import { useRef, useState } from 'react'
import { UnlinkProviderDocument } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { Notice, ProblemNotice, type Message } from '../parts/notice.tsx'
import { ProviderIcon } from '../parts/provider-icon.tsx'
import { useAction } from '../parts/use-action.ts'
import { useProviderLogin } from '../parts/use-provider-login.ts'
import { useProviderNames, useProviders } from '../providers.tsx'
import type { SectionProps } from './account.tsx'
import { Moment } from './moment.tsx'
import { Section } from './section.tsx'

export function LinkedProviders({ person, reload }: SectionProps) {
  const { auth } = useAuth()
  const providers = useProviders()
  const names = useProviderNames()
  const reloading = useAction()
  const linking = useProviderLogin('link')
  const heading = useRef<HTMLHeadingElement>(null)
  const [asked, setAsked] = useState<string>()
  const [unlinked, setUnlinked] = useState<Message>()

  const linked = new Set(person.identities.map(({ provider }) => provider))
  const others = providers.filter(({ id }) => !linked.has(id))
  const nameOf = (id: string) => names.get(id) ?? id
  const hasWorkingPassword = person.hasPassword && person.email != null
  const offered = [...linked].filter((id) => names.has(id))
  const isLast = (id: string) => !hasWorkingPassword && offered.every((other) => other === id)

  const unlink = async (provider: string) => {
    await auth.request(UnlinkProviderDocument, { provider })
    // By now the user may have been asked about another one.
    setAsked((now) => (now === provider ? undefined : now))
    setUnlinked({ kind: 'good', text: `${nameOf(provider)} is unlinked.` })
    heading.current?.focus()
    reloading.run(reload)
  }

  return (
    <Section
      id="providers"
      title="Linked providers"
      heading={heading}
      lead="You can sign in with any linked provider."
    >
      {linking.problem && <ProblemNotice problem={linking.problem} retry={linking.retry} />}
      <Notice message={unlinked} />
      {reloading.problem && <ProblemNotice problem={reloading.problem} retry={reloading.retry} />}
      <ul className="rows">
        {person.identities.map(({ provider, email, linkedAt }) => (
          <li key={`${provider} ${linkedAt}`} className="row">
            <ProviderIcon id={provider} name={nameOf(provider)} />
            <div className="row-text">
              <strong>{nameOf(provider)}</strong>
              <span>
                {email == null ? 'Linked' : `${email}, linked`} <Moment at={linkedAt} day />
              </span>
              {isLast(provider) && (
                <span>
                  Your only way to sign in. To unlink it, first{' '}
                  {person.email == null ? '' : 'set a password or '}link another one.
                </span>
              )}
            </div>
            {!isLast(provider) && (
              <button
                type="button"
                className="button"
                aria-label={`Unlink ${nameOf(provider)}`}
                onClick={() => setAsked(provider)}
              >
                Unlink
              </button>
            )}
          </li>
        ))}
        {others.map(({ id, name }) => (
          <li key={id} className="row">
            <ProviderIcon id={id} name={name} />
            <div className="row-text">
              <strong>{name}</strong>
              <span>Not linked</span>
            </div>
            <button
              type="button"
              className="button"
              aria-label={`Link ${name}`}
              aria-disabled={linking.isBusy}
              onClick={() => linking.begin(id)}
            >
              Link
            </button>
          </li>
        ))}
      </ul>
      {asked !== undefined && (
        <ConfirmDialog
          key={asked}
          title={`Unlink ${nameOf(asked)}?`}
          confirm="Unlink"
          onConfirm={() => unlink(asked)}
          onCancel={() => setAsked(undefined)}
        >
          <p>
            {nameOf(asked)} will not sign you in to this account any more, and other devices that
            signed in with it are signed out.
          </p>
        </ConfirmDialog>
      )}
    </Section>
  )
}
