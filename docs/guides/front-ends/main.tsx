import { ApolloProvider } from '@apollo/client/react'
import { createRoot } from 'react-dom/client'
import { client, refresh } from './apollo.ts'
import { Profile } from './profile.tsx'

// Whoever was signed in before the page was loaded still has the cookie.
await refresh().catch(() => false)

createRoot(document.querySelector('#root')!).render(
  <ApolloProvider client={client}>
    <Profile />
  </ApolloProvider>,
)
