/** Signing out. Its failure is shown after the user has been signed out here. */
import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react'
import type { LogoutScope } from '../client/index.ts'
import { useAuth } from '../client/react.ts'
import type { Message } from './parts/notice.tsx'

type Scope = Exclude<LogoutScope, 'OTHERS'>

interface SignOut {
  /** Signs out here in any case. Does not reject: see `failure`. */
  readonly signOut: (scope: Scope) => Promise<void>
  /** The sign-out that the server has not been notified of, until a user signs in. */
  readonly failure: Message | undefined
}

const SignOutContext = createContext<SignOut | undefined>(undefined)

export function SignOutProvider({ children }: { children: ReactNode }) {
  const { auth, status } = useAuth()
  const [failed, setFailed] = useState<Scope>()
  useEffect(() => {
    if (status === 'signedIn') setFailed(undefined)
  }, [status])
  const value = useMemo(
    () => ({
      signOut: (scope: Scope) =>
        auth.logout(scope).catch(() => {
          const { state } = auth
          // If the session was over already, why it was says more.
          if (state.status === 'signedOut' && state.reason === 'SIGNED_OUT') setFailed(scope)
        }),
      failure: failed && failures[failed],
    }),
    [auth, failed],
  )
  return <SignOutContext value={value}>{children}</SignOutContext>
}

export function useSignOut(): SignOut {
  const value = use(SignOutContext)
  if (!value) throw new Error('useSignOut() needs a <SignOutProvider> above it.')
  return value
}

const failures: Record<Scope, Message> = {
  THIS: {
    kind: 'info',
    text: 'You are signed out here, but the server could not be reached. It will be notified the next time this page is opened.',
  },
  ALL: {
    kind: 'problem',
    text: 'This device is signed out. The others could not be signed out: sign in again, then sign them out.',
  },
}
