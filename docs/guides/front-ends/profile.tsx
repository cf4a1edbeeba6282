import { SessionsDocument } from 'latchkey/client'
import { useRevokeSessionMutation, useSessionsQuery } from 'latchkey/client/apollo'
import { useAuth } from 'latchkey/client/react'
import { explain } from './explain.ts'
import { MemberSince } from './member-since.tsx'
import { SignIn } from './sign-in.tsx'

export function Profile({ error }: { error?: unknown }) {
  const { auth, startError, ...state } = useAuth()
  if (state.status === 'unknown') {
    if (startError === undefined) return <p>One moment…</p>
    return (
      <p role="alert">
        {explain(startError)}{' '}
        <button onClick={() => void auth.start().catch(() => undefined)}>Try again</button>
      </p>
    )
  }
  if (state.status === 'signedOut') return <SignIn error={error} />
  return (
    <>
      <p>
        Hello, {state.user.name ?? state.user.email}!{' '}
        <button onClick={() => void auth.logout().catch(() => undefined)}>Sign out</button>{' '}
        <button onClick={() => void auth.logout('ALL').catch(() => undefined)}>
          End all sessions
        </button>
      </p>
      <MemberSince />
      <Devices />
    </>
  )
}

function Devices() {
  const { data } = useSessionsQuery()
  const [revoke] = useRevokeSessionMutation({ refetchQueries: [SessionsDocument] })
  return (
    <ul>
      {data?.me.sessions.map(({ id, userAgent, current }) => (
        <li key={id}>
          {userAgent ?? 'Unknown device'}{' '}
          {current ? (
            '(this one)'
          ) : (
            <button onClick={() => void revoke({ variables: { id } })}>Sign out</button>
          )}
        </li>
      ))}
    </ul>
  )
}
