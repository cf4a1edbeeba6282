/** What happens as the page opens: the session comes back, and a provider's response is taken. */
import { useEffect, useState } from 'react'
import { ErrorCode, NetworkError, readServerError, type AuthClient } from '../client/index.ts'
import { localPath } from './local-path.ts'
import type { PendingLink } from './pending-link.ts'

export type Arrival =
  | { readonly phase: 'underWay' }
  | {
      readonly phase: 'unreachable'
      /** Whether it is known who is signed in, so that only the provider's response is left. */
      readonly isStarted: boolean
      readonly error: unknown
      readonly retry: () => void
    }
  | { readonly phase: 'done'; readonly outcome: Outcome | undefined }

/** What came of a provider's response that is worth telling. */
export type Outcome =
  | { readonly kind: 'linked'; readonly provider: string }
  | { readonly kind: 'proven' }
  | { readonly kind: 'linkRequired'; readonly pending: PendingLink }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Reads the response that a provider has put into the address, and takes it out of there at once, so
 * that no code stays in the history or continues with a link.
 */
export function takeAnswer(): URL | undefined {
  if (location.pathname !== '/callback') return undefined
  const answer = new URL(location.href)
  history.replaceState(null, '', '/')
  return answer
}

export function useArrival(auth: AuthClient, answer: URL | undefined): Arrival {
  const [arrival, setArrival] = useState<Arrival>({ phase: 'underWay' })
  useEffect(() => {
    const arrive = async () => {
      let isStarted = false
      setArrival({ phase: 'underWay' })
      try {
        await auth.start()
        isStarted = true
        setArrival({ phase: 'done', outcome: answer && (await takeUp(auth, answer)) })
      } catch (error) {
        setArrival({ phase: 'unreachable', isStarted, error, retry: () => void arrive() })
      }
    }
    void arrive()
  }, [auth, answer])
  return arrival
}

/** @throws NetworkError, after which the response can be taken again */
async function takeUp(auth: AuthClient, answer: URL): Promise<Outcome | undefined> {
  try {
    const completed = await auth.providerLogin.complete(answer)
    if (!completed) return undefined
    history.replaceState(null, '', localPath(completed.returnTo))
    switch (completed.purpose) {
      case 'link':
        return { kind: 'linked', provider: completed.provider }
      case 'reauthenticate':
        return { kind: 'proven' }
      case 'login':
        return undefined
    }
  } catch (error) {
    if (error instanceof NetworkError) throw error
    const failure = readServerError(error)
    return failure?.code === ErrorCode.LINK_REQUIRED
      ? { kind: 'linkRequired', pending: failure }
      : { kind: 'failed', error }
  }
}
