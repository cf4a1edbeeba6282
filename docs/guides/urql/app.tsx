import { AuthProvider } from 'latchkey/client/react'
import { useSyncExternalStore, type ReactNode } from 'react'
import { Provider } from 'urql'
import { auth, client } from './client.ts'

/** Gives urql the client of the signed-in user. */
export function App({ children }: { children: ReactNode }) {
  const current = useSyncExternalStore(
    auth.subscribe,
    () => client,
    () => client,
  )
  return (
    <AuthProvider auth={auth}>
      <Provider value={current}>{children}</Provider>
    </AuthProvider>
  )
}
