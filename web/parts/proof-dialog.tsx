/** Where the user confirms who they are: with the password, or at a linked provider. */
import {
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useSyncExternalStore,
  type ReactNode,
} from 'react'
import { ErrorCode } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { ProofContext, type ProofQuestions, type Question } from '../proof.ts'
import { useProviders } from '../providers.tsx'
import { ActionForm, PasswordField } from './form.tsx'
import { ProviderButtons } from './provider-buttons.tsx'

/** Shows the dialog over whatever is on the page. */
export function ProofProvider(props: { questions: ProofQuestions; children: ReactNode }) {
  const { questions, children } = props
  const question = useSyncExternalStore(questions.subscribe, questions.current)
  return (
    <ProofContext value={questions}>
      {children}
      {question && <ProofDialog question={question} />}
    </ProofContext>
  )
}

function ProofDialog({ question: { answer, methods } }: { question: Question }) {
  const { auth, ...state } = useAuth()
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const providers = useProviders().filter((provider) => methods.includes(provider.id))
  const hasPassword = methods.includes('password')
  // It was for a user who is no longer signed in.
  const userId = state.status === 'signedIn' ? state.user.id : undefined
  const askedOf = useRef(userId)
  useEffect(() => {
    if (userId !== askedOf.current) answer(false)
  }, [answer, userId])
  // As in ConfirmDialog: closing it gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-text`}
      onCancel={() => answer(false)}
    >
      <h2 id={`${id}-title`}>Confirm your identity</h2>
      <p id={`${id}-text`}>
        {hasPassword || providers.length > 0
          ? 'You signed in a while ago. This changes how you sign in to your account, so confirm your identity first.'
          : 'You signed in a while ago, and there is no longer a way to confirm your identity. Contact the operator of this service.'}
      </p>
      {hasPassword && (
        <ActionForm
          label="Confirm"
          busyLabel="Confirming…"
          wording={{ [ErrorCode.INVALID_CREDENTIALS]: 'Wrong password.' }}
          action={async ({ password = '' }) => {
            await auth.reauthenticate({ password })
            answer(true)
          }}
        >
          {/* Lets a password manager find the right password. */}
          {state.status === 'signedIn' && state.user.email !== null && (
            <input hidden readOnly autoComplete="username" value={state.user.email} />
          )}
          <PasswordField name="password" label="Password" autoComplete="current-password" />
        </ActionForm>
      )}
      {hasPassword && providers.length > 0 && (
        <p className="divider">
          <span>or</span>
        </p>
      )}
      {providers.length > 0 && (
        <ProviderButtons providers={providers} purpose="reauthenticate" verb="Confirm with" />
      )}
      <div className="dialog-buttons">
        <button type="button" className="button" onClick={() => answer(false)}>
          Cancel
        </button>
      </div>
    </dialog>
  )
}
