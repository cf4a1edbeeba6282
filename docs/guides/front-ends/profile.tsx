import { SessionsDocument } from 'latchkey/client'
import { useRevokeSessionMutation, useSessionsQuery } from 'latchkey/client/apollo'
import { useAuth } from 'latchkey/client/react'
import { SignIn } from './sign-in.tsx'

export function Profile({ error }: { error?: unknown }) {
  const { auth, ...state } = useAuth()
  if (state.status === 'unknown') return <p>One moment…</p>
  if (state.status === 'signedOut') return <SignIn error={error} />
  return (
    <>
      <p>
        Hello, {state.user.name ?? state.user.email}!{' '}
        <button onClick={() => void auth.logout().catch(() => undefined)}>Sign out</button>
      </p>
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
