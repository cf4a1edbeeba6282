/** urql, or plain fetch, with the session of `auth`. */
import { Client, cacheExchange, fetchExchange } from '@urql/core'
import { createAuthClient } from 'latchkey/client'

const url = 'http://localhost:4000/graphql'

export const auth = createAuthClient({
  url,
  // A service of your own that verifies the same tokens.
  origins: ['http://localhost:5000'],
})

const createClient = () =>
  new Client({
    url,
    fetch: auth.fetch,
    preferGetMethod: false,
    exchanges: [cacheExchange, fetchExchange],
  })

/** The client for the signed-in user: a new one, with an empty cache, if that has changed. */
export let client = createClient()
let userId: string | undefined

auth.subscribe(() => {
  const { state } = auth
  const next = state.status === 'signedIn' ? state.user.id : undefined
  if (next === userId) return
  userId = next
  client = createClient()
})

// Finds out by the cookie who is signed in; if the server cannot be reached, the first operation tries again.
auth.start().catch(() => undefined)
