import { ApolloProvider } from '@apollo/client/react'
import { AuthProvider } from 'latchkey/client/react'
import { createRoot } from 'react-dom/client'
import { client } from './apollo.ts'
import { auth } from './auth.ts'
import { Profile } from './profile.tsx'

// If a provider has sent the user back, the address has its response.
const error = await auth.providerLogin.complete(location).then(
  () => undefined,
  (failure: unknown) => failure,
)

createRoot(document.querySelector('#root')!).render(
  <AuthProvider auth={auth}>
    <ApolloProvider client={client}>
      <Profile error={error} />
    </ApolloProvider>
  </AuthProvider>,
)
