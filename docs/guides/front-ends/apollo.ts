/** Apollo Client with the access token in memory and the refresh token in the cookie. */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { SetContextLink } from '@apollo/client/link/context'
import { ErrorLink } from '@apollo/client/link/error'
import { from, switchMap, throwError } from 'rxjs'
import { ErrorCode, RefreshTokenDocument, readServerError } from './latchkey/index.ts'

let accessToken: string | undefined
let refreshing: Promise<boolean> | undefined

/** After a sign-in; without a token, after a sign-out. */
export function setAccessToken(token: string | undefined): void {
  accessToken = token
  // What was read as somebody else goes. A query that fails now says so where it is used.
  client.resetStore().catch(() => undefined)
}

/** Gets the next access token by the cookie. Gives whether somebody is signed in. */
export function refresh(): Promise<boolean> {
  return (refreshing ??= askForNextToken().finally(() => (refreshing = undefined)))
}

async function askForNextToken(): Promise<boolean> {
  try {
    const { data } = await unauthenticated.mutate({ mutation: RefreshTokenDocument })
    accessToken = data?.refreshToken.accessToken
    return true
  } catch (error) {
    const code = readServerError(error)?.code
    // Any other failure, such as a lost connection, says nothing about the session.
    if (code !== ErrorCode.INVALID_REFRESH_TOKEN && code !== ErrorCode.REFRESH_TOKEN_REUSED) {
      throw error
    }
    accessToken = undefined
    return false
  }
}

const http = new HttpLink({ uri: 'http://localhost:4000/graphql', credentials: 'include' })

const authorization = new SetContextLink(({ headers }) => ({
  headers:
    accessToken === undefined ? headers : { ...headers, authorization: `Bearer ${accessToken}` },
}))

/** Sends an operation again, once, where only the access token's time was over. */
const renewal = new ErrorLink(({ error, forward, operation }) => {
  const said = readServerError(error)
  if (said?.code !== 'UNAUTHENTICATED' || said.reason !== 'TOKEN_EXPIRED') return undefined
  return from(refresh()).pipe(
    switchMap((isSignedIn) => (isSignedIn ? forward(operation) : throwError(() => error))),
  )
})

export const client = new ApolloClient({
  link: ApolloLink.from([renewal, authorization, http]),
  cache: new InMemoryCache(),
})

const unauthenticated = new ApolloClient({ link: http, cache: new InMemoryCache() })
