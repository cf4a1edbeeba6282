/** The script of the page of test/support/session-tabs.ts: a front end as small as can be. */
import {
  createAuthClient,
  errorCode,
  ProtectedDocument,
  type AuthClient,
} from '../../client/index.ts'

export interface SessionPage {
  readonly auth: AuthClient
  /** Asks for a guarded field: what it says, or the code of what went wrong. */
  read(): Promise<string>
  /** Who is signed in, or why no one is. */
  who(): string
}

declare global {
  interface Window {
    page: SessionPage
  }
}

const auth = createAuthClient({ url: '/graphql' })
window.page = {
  auth,
  read: () =>
    auth.request(ProtectedDocument).then(
      (answer) => answer.protected,
      (error: unknown) => errorCode(error) ?? (error as Error).name,
    ),
  who: () => {
    const { state } = auth
    if (state.status === 'signedIn') return state.user.email ?? state.user.id
    return (state.status === 'signedOut' ? state.reason : undefined) ?? state.status
  },
}
