/** For Apollo Client 4: a link that authorizes operations, and a hook for each operation of this API that gives no tokens. */
import { ApolloLink, type ApolloClient } from '@apollo/client'
import { catchError, concatMap, from, of, switchMap, throwError, type Observable } from 'rxjs'
import type { AuthClient } from './auth-client.ts'
import {
  absolute,
  isOfKindBefore,
  isSameEndpoint,
  nextToken,
  type TokenSource,
} from './authorized-fetch.ts'
import {
  readRefusal,
  readUnauthorized,
  type Answer,
  type Refusal,
  type SentOperation,
} from './operation.ts'
import type { AuthState } from './session.ts'

export * from './generated/hooks.ts'
export { mutationHook, queryHook } from './hooks.ts'
export type { MutationHook, QueryHook, QueryOptions } from './hooks.ts'

/**
 * Attaches the access token and renews it; after a refusal, sends once more what cannot have run. Stands
 * before the link that sends. Whatever services the links lead to, only the API of `auth` ends the session.
 */
export function createAuthLink(auth: TokenSource): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const send = (accessToken: string | undefined, before: readonly Refusal[]): Results => {
      if (accessToken === undefined) return forward(operation)
      operation.setContext(({ headers }: { headers?: Record<string, string> }) => ({
        headers: { ...headers, authorization: `Bearer ${accessToken}` },
        // Of an attempt before this one.
        response: undefined,
      }))
      const sent = (): SentOperation => ({
        document: operation.query,
        operationName: operation.operationName,
        isOwn: isOwnResponse(auth, operation.getContext()['response']),
      })
      /** Asks the client what to do; gives `answer` if the operation is not sent again. */
      const handle = (refusal: Refusal | undefined, answer: Results): Results => {
        if (!refusal) return answer
        const isRepeated = isOfKindBefore(refusal, before)
        return from(nextToken(auth, accessToken, refusal, isRepeated)).pipe(
          switchMap((next) => (next === undefined ? answer : send(next, [...before, refusal]))),
        )
      }
      return forward(operation).pipe(
        // A link that takes a 401 for a failed request has the response in its error.
        catchError((error: unknown) =>
          handle(
            readFailure(error, sent()),
            throwError(() => error),
          ),
        ),
        // What is wrong with a token is said at once: the parts that follow are handed on.
        concatMap((result, index) =>
          handle(
            index === 0 ? readRefusal(result as Answer<unknown>, sent()) : undefined,
            of(result),
          ),
        ),
      )
    }
    return from(auth.accessToken()).pipe(switchMap((accessToken) => send(accessToken, [])))
  })
}

/**
 * Lets go of what was read as one user when another, or no one, is signed in: the cache is emptied, and
 * what is on the page is asked for again.
 * @returns stops doing so
 */
export function clearStoreOnChange(
  auth: Pick<AuthClient, 'state' | 'subscribe'>,
  client: Pick<ApolloClient, 'clearStore' | 'resetStore'>,
): () => void {
  let reader = readerOf(auth.state)
  return auth.subscribe(() => {
    const before = reader
    reader = readerOf(auth.state)
    if (before === undefined || before === reader) return
    const work = reader === null ? client.clearStore() : client.resetStore()
    // What fails when it is asked for again says so where it is used.
    work.catch(() => undefined)
  })
}

/** The user's id; null for no one, undefined if it is not known. */
function readerOf(state: AuthState): string | null | undefined {
  return state.status === 'signedIn'
    ? state.user.id
    : state.status === 'signedOut'
      ? null
      : undefined
}

type Results = Observable<ApolloLink.Result>

/** HttpLink leaves the response in the operation's context. */
function isOwnResponse({ url }: TokenSource, response: unknown): boolean {
  const responseUrl = (response as { url?: unknown } | undefined)?.url
  return (
    url !== undefined &&
    typeof responseUrl === 'string' &&
    isSameEndpoint(absolute(responseUrl), absolute(url))
  )
}

function readFailure(error: unknown, sent: SentOperation): Refusal | undefined {
  const { bodyText, statusCode } = error as { bodyText?: unknown; statusCode?: unknown }
  if (statusCode !== 401) return undefined
  return readUnauthorized(typeof bodyText === 'string' ? bodyText : '', sent)
}
