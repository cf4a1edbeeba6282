/** Who is signed in, for React components. */
import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
} from 'react'
import type { AuthClient } from './auth-client.ts'
import type { AuthState } from './session.ts'

interface Provided {
  readonly auth: AuthClient
  readonly renderedState: AuthState | undefined
  readonly startError: unknown
}

const AuthContext = createContext<Provided | undefined>(undefined)

export interface AuthProviderProps {
  readonly auth: AuthClient
  /** What the server has rendered the page with, so that hydration finds the same. */
  readonly renderedState?: AuthState
  readonly children?: ReactNode
}

/** Gives the client to the components below, and finds out who is signed in. */
export function AuthProvider({ auth, renderedState, children }: AuthProviderProps): ReactElement {
  const [startError, setStartError] = useState<unknown>()
  useEffect(() => {
    // Without a response the state stays `unknown`; the client continues trying for a while.
    auth.start().catch(setStartError)
  }, [auth])
  const value = useMemo(
    () => ({ auth, renderedState, startError }),
    [auth, renderedState, startError],
  )
  return createElement(AuthContext.Provider, { value }, children)
}

/**
 * Who is signed in, and the client. `startError` is why that was not to be found out when the page was
 * loaded: if the state is still `unknown`, offer to call `auth.start()` again.
 * @throws Error if there is no AuthProvider above
 */
export function useAuth(): AuthState & {
  readonly auth: AuthClient
  readonly startError: unknown
} {
  const provided = useContext(AuthContext)
  if (!provided) throw new Error('useAuth() needs an <AuthProvider> above it.')
  const { auth, renderedState, startError } = provided
  const state = useSyncExternalStore(
    auth.subscribe,
    () => auth.state,
    () => renderedState ?? auth.state,
  )
  return useMemo(() => ({ ...state, auth, startError }), [state, auth, startError])
}
