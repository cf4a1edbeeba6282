/** The account page: one client, one tree. */
import { createRoot } from 'react-dom/client'
import { createAuthClient } from '../client/index.ts'
import { AuthProvider } from '../client/react.ts'
import { App } from './app.tsx'
import { takeAnswer } from './arrival.ts'
import { ProvidersOfServer } from './providers.tsx'
import { SignOutProvider } from './sign-out.tsx'

const auth = createAuthClient({ url: '/graphql' })
const answer = takeAnswer()

createRoot(document.querySelector('#page')!).render(
  <AuthProvider auth={auth}>
    <ProvidersOfServer>
      <SignOutProvider>
        <App answer={answer} />
      </SignOutProvider>
    </ProvidersOfServer>
  </AuthProvider>,
)
