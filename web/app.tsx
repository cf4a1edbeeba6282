/** Which view is shown: decided by who is signed in, what is to be linked, and the address. */
import { useEffect, useState, useSyncExternalStore } from 'react'
import { useAuth } from '../client/react.ts'
import { Account } from './account/account.tsx'
import { useArrival, type Outcome } from './arrival.ts'
import type { Message } from './parts/notice.tsx'
import { readPendingLink, writePendingLink, type PendingLink } from './pending-link.ts'
import { describeProblem, describeSignedOut } from './problem.ts'
import { useProviderNames } from './providers.tsx'
import { useSignOut } from './sign-out.tsx'
import { FinishLinking, LinkRequired } from './views/linking.tsx'
import { SignIn, SignUp } from './views/sign-in.tsx'
import { NotStarted, Starting } from './views/starting.tsx'

/** @param answer the address at which a provider has sent the user back, if one has */
export function App({ answer }: { answer: URL | undefined }) {
  const state = useAuth()
  const { status } = state
  const names = useProviderNames()
  const hash = useHash()
  const arrival = useArrival(state.auth, answer)
  const outcome = arrival.phase === 'done' ? arrival.outcome : undefined
  const [pending, setPending] = usePendingLink(outcome)
  const told = useTold(outcome, status, names)
  const message = useSignOut().failure ?? told

  useEffect(() => {
    // The URLs of the signed-out views mean nothing after the sign-in.
    if (status === 'signedIn' && location.hash.startsWith('#sign-')) {
      history.replaceState(null, '', '/')
    }
  }, [status])

  useEffect(() => {
    // The client continues trying to start: once it has got through, what is left is done, too. What fails
    // after that is tried again by the user only.
    const isWaiting = arrival.phase === 'unreachable' && !arrival.isStarted
    if (isWaiting && status !== 'unknown') arrival.retry()
  }, [arrival, status])

  if (arrival.phase === 'unreachable') {
    return <NotStarted problem={describeProblem(arrival.error)} retry={arrival.retry} />
  }
  if (arrival.phase === 'underWay' || state.status === 'unknown') return <Starting />
  const cancel = () => setPending(undefined)
  if (state.status === 'signedIn') {
    return pending ? (
      <FinishLinking pending={pending} onCancel={cancel} message={message} />
    ) : (
      // Another tab can sign in someone else: nothing of the one before stays.
      <Account key={state.user.id} message={message} />
    )
  }
  if (pending) return <LinkRequired pending={pending} onCancel={cancel} message={message} />
  if (hash === '#sign-up') return <SignUp />
  const ended: Message | undefined = state.reason && {
    kind: 'info',
    text: describeSignedOut(state.reason),
  }
  return <SignIn message={message ?? ended} />
}

/** What is left to be linked; kept until it is done, or the user wants it no more. */
function usePendingLink(outcome: Outcome | undefined) {
  const [pending, setPending] = useState(readPendingLink)
  const set = (next: PendingLink | undefined) => {
    writePendingLink(next)
    setPending(next)
  }
  useEffect(() => {
    if (outcome?.kind === 'linkRequired') set(outcome.pending)
    if (outcome?.kind === 'linked') set(undefined)
  }, [outcome])
  return [pending, set] as const
}

/** The outcome of a provider's response, shown as long as the user stays signed in or signed out. */
function useTold(
  outcome: Outcome | undefined,
  status: string,
  names: ReadonlyMap<string, string>,
): Message | undefined {
  const [told, setTold] = useState<{ outcome: Outcome; status: string }>()
  useEffect(() => {
    setTold(outcome && { outcome, status })
  }, [outcome])
  useEffect(() => {
    setTold((before) => (before?.status === status ? before : undefined))
  }, [status])
  if (!told) return undefined
  switch (told.outcome.kind) {
    case 'linked': {
      const name = names.get(told.outcome.provider) ?? 'The provider'
      return { kind: 'good', text: `${name} is linked: you can now sign in with it.` }
    }
    case 'proven':
      return {
        kind: 'good',
        text: 'You have confirmed your identity. You can continue with what you wanted to do.',
      }
    case 'failed':
      return { kind: 'problem', text: describeProblem(told.outcome.error, names).text }
    case 'linkRequired':
      return undefined
  }
}

function useHash(): string {
  return useSyncExternalStore(
    (listener) => {
      addEventListener('hashchange', listener)
      return () => removeEventListener('hashchange', listener)
    },
    () => location.hash,
  )
}
