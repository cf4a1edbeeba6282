/** The account page: one client, one tree. */
import { createRoot } from 'react-dom/client'
import { createAuthClient } from '../client/index.ts'
import { AuthProvider } from '../client/react.ts'
import { App } from './app.tsx'
import { takeAnswer } from './arrival.ts'
import { ProofProvider } from './parts/proof-dialog.tsx'
import { createProofQuestions } from './proof.ts'
import { ProvidersOfServer } from './providers.tsx'
import { SignOutProvider } from './sign-out.tsx'

const questions = createProofQuestions()
const auth = createAuthClient({ url: '/graphql', onReauthenticationRequired: questions.ask })
const answer = takeAnswer()

createRoot(document.querySelector('#page')!).render(
  <AuthProvider auth={auth}>
    <ProvidersOfServer>
      <SignOutProvider>
        <ProofProvider questions={questions}>
          <App answer={answer} />
        </ProofProvider>
      </SignOutProvider>
    </ProvidersOfServer>
  </AuthProvider>,
)
