import { setAccessToken } from './apollo.ts'
import { readServerError, useLogoutMutation, useMeQuery } from './latchkey/index.ts'
import { SignIn } from './sign-in.tsx'

export function Profile() {
  const { data, error, loading } = useMeQuery()
  const [logout] = useLogoutMutation({ onCompleted: () => setAccessToken(undefined) })

  if (loading) return <p>One moment…</p>
  // Signed out, expired and disabled alike: whoever cannot be refreshed signs in.
  if (readServerError(error)?.code === 'UNAUTHENTICATED') return <SignIn />
  if (!data) return <p role="alert">The server cannot be reached.</p>
  return (
    <p>
      Hello, {data.me.name ?? data.me.email}!{' '}
      <button onClick={() => void logout()}>Sign out</button>
    </p>
  )
}
