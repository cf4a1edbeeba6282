import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { clearStoreOnChange, createAuthLink } from 'latchkey/client/apollo'
import { auth, url } from './auth.ts'

export const client = new ApolloClient({
  link: ApolloLink.from([createAuthLink(auth), new HttpLink({ uri: url })]),
  cache: new InMemoryCache(),
})

clearStoreOnChange(auth, client)
