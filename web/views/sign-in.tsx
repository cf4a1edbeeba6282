/** Signing in to an account, and making one. */
import { useAuth } from '../../client/react.ts'
import { configuration } from '../configuration.ts'
import { ActionForm, EmailField, Field, PasswordField } from '../parts/form.tsx'
import { Notice, type Message } from '../parts/notice.tsx'
import { ProviderButtons } from '../parts/provider-buttons.tsx'
import { CardView } from '../parts/view.tsx'
import { useProviders } from '../providers.tsx'

export function SignIn({ message }: { message: Message | undefined }) {
  return (
    <CardView title="Sign in">
      <InsecureNotice />
      <Notice message={message} />
      <SignInForm />
      <ProviderChoice />
      {configuration.isRegistrationOpen ? (
        <p className="card-end">
          New here? <a href="#sign-up">Create an account</a>
        </p>
      ) : (
        <p className="card-end">Only the operator of this service can create accounts.</p>
      )}
    </CardView>
  )
}

export function SignInForm() {
  const { auth } = useAuth()
  return (
    <ActionForm
      label="Sign in"
      busyLabel="Signing in…"
      action={async ({ email = '', password = '' }) => {
        await auth.login({ email, password })
      }}
    >
      <EmailField />
      <PasswordField name="password" label="Password" autoComplete="current-password" />
    </ActionForm>
  )
}

export function SignUp() {
  const { auth } = useAuth()
  if (!configuration.isRegistrationOpen) {
    return (
      <CardView title="Registration is closed">
        <p>Only the operator of this service can create accounts. If you have one, sign in.</p>
        <p className="card-end">
          <a href="#sign-in">Go to sign in</a>
        </p>
      </CardView>
    )
  }
  return (
    <CardView title="Create an account">
      <InsecureNotice />
      <ActionForm
        label="Create account"
        busyLabel="Creating…"
        action={async ({ email = '', password = '', name = '' }) => {
          await auth.register({ email, password, ...(name.trim() !== '' && { name }) })
        }}
      >
        <EmailField />
        <Field name="name" label="Name" autoComplete="name" />
        <PasswordField
          name="password"
          label="Password"
          autoComplete="new-password"
          hint="At least 8 characters. A few words are easier to remember than one odd one."
        />
      </ActionForm>
      <ProviderChoice />
      <p className="card-end">
        Have an account? <a href="#sign-in">Sign in</a>
      </p>
    </CardView>
  )
}

/** On plain http beyond this machine the browser drops the cookie of the session, which is `Secure`. */
function InsecureNotice() {
  if (isSecureContext) return null
  return (
    <p className="notice notice-problem">
      This page was not opened over https, so your browser cannot keep you signed in: when you
      reload the page, you are signed out. Ask the operator of this service for its https address.
    </p>
  )
}

function ProviderChoice() {
  const providers = useProviders()
  if (providers.length === 0) return null
  return (
    <>
      <p className="divider">
        <span>or</span>
      </p>
      <ProviderButtons providers={providers} purpose="login" verb="Continue with" />
    </>
  )
}
