/** A provider's e-mail address has an account already: into it first, then the two are linked. */
import { ProviderButtons } from '../parts/provider-buttons.tsx'
import { Notice, type Message } from '../parts/notice.tsx'
import { CardView } from '../parts/view.tsx'
import type { PendingLink } from '../pending-link.ts'
import { useKnownProviders } from '../providers.tsx'
import { SignInForm } from './sign-in.tsx'

interface LinkingProps {
  readonly pending: PendingLink
  readonly onCancel: () => void
  readonly message: Message | undefined
}

/** The first step, before the user has signed in. */
export function LinkRequired({ pending, onCancel, message }: LinkingProps) {
  const known = useKnownProviders()
  const providers = known ?? []
  const name = providers.find(({ id }) => id === pending.provider)?.name ?? pending.provider
  const others = providers.filter(({ id }) => pending.linkableWith.includes(id))
  const hasPassword = pending.linkableWith.includes('password')
  const hasWays = hasPassword || others.length > 0
  const isLost = known !== undefined && !hasWays
  return (
    <CardView title="You already have an account">
      <Notice message={message} />
      {!isLost && <Steps current={1} name={name} />}
      <p>
        An account here has the e-mail address of your {name} account.{' '}
        {isLost
          ? 'None of the ways to sign in to it is offered any more: ask the operator of this service.'
          : `Sign in to it${hasWays ? ` ${describeWays(hasPassword, others)}` : ''}; then you can link ${name} and use either from now on.`}
      </p>
      {!hasWays && !isLost && <Awaited />}
      {hasPassword && <SignInForm />}
      {hasPassword && others.length > 0 && (
        <p className="divider">
          <span>or</span>
        </p>
      )}
      {others.length > 0 && (
        <ProviderButtons providers={others} purpose="login" verb="Sign in with" />
      )}
      <p className="card-end">
        <button type="button" className="link" onClick={onCancel}>
          Sign in another way
        </button>
      </p>
    </CardView>
  )
}

/** The second step, after the user has signed in. */
export function FinishLinking({ pending, onCancel, message }: LinkingProps) {
  const known = useKnownProviders()
  const providers = (known ?? []).filter(({ id }) => id === pending.provider)
  const name = providers[0]?.name ?? pending.provider
  return (
    <CardView title={`Link ${name}`}>
      <Notice message={message} />
      <Steps current={2} name={name} />
      <p>
        You are signed in. Confirm once more at {name} to be able to sign in to this account with
        it.
      </p>
      {known ? (
        <ProviderButtons providers={providers} purpose="link" verb="Link" isMain />
      ) : (
        <Awaited />
      )}
      <p className="card-end">
        <button type="button" className="link" onClick={onCancel}>
          Not now
        </button>
      </p>
    </CardView>
  )
}

/** In the place of buttons that are not known yet. */
function Awaited() {
  return (
    <p role="status" className="waiting">
      One moment…
    </p>
  )
}

function Steps({ current, name }: { current: 1 | 2; name: string }) {
  return (
    <ol className="steps" aria-label="Steps">
      {['Sign in', `Link ${name}`].map((step, index) => (
        <li key={step} aria-current={index + 1 === current ? 'step' : undefined}>
          {step}
        </li>
      ))}
    </ol>
  )
}

function describeWays(hasPassword: boolean, providers: readonly { name: string }[]): string {
  const ways = [
    ...(hasPassword ? ['your password'] : []),
    ...providers.map((provider) => provider.name),
  ]
  return `with ${new Intl.ListFormat('en', { type: 'disjunction' }).format(ways)}`
}
