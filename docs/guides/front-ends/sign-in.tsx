import { useAuth } from 'latchkey/client/react'
import { useProvidersQuery } from 'latchkey/client/apollo'
import { useState, type SubmitEvent } from 'react'
import { explain, explainSignedOut } from './explain.ts'

export function SignIn({ error: before }: { error?: unknown }) {
  const { auth, ...state } = useAuth()
  const { data } = useProvidersQuery()
  const [error, setError] = useState(before)
  const [isNew, setIsNew] = useState(false)

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const email = form.get('email') as string
    const password = form.get('password') as string
    const signedIn = isNew ? auth.register({ email, password }) : auth.login({ email, password })
    await signedIn.catch(setError)
  }

  async function visit(provider: string) {
    try {
      const { authorizationUrl } = await auth.providerLogin.begin(provider)
      location.assign(authorizationUrl)
    } catch (failure) {
      setError(failure)
    }
  }

  const reason = state.status === 'signedOut' ? explainSignedOut(state.reason) : undefined
  return (
    <form onSubmit={(event) => void submit(event)}>
      {reason && <p>{reason}</p>}
      <input name="email" type="email" autoComplete="username" required />
      <input
        name="password"
        type="password"
        autoComplete={isNew ? 'new-password' : 'current-password'}
        required
      />
      <button>{isNew ? 'Sign up' : 'Sign in'}</button>
      <button type="button" onClick={() => setIsNew(!isNew)}>
        {isNew ? 'I have an account' : 'Create an account'}
      </button>
      {data?.providers.map(({ id, name }) => (
        <button key={id} type="button" onClick={() => void visit(id)}>
          Continue with {name}
        </button>
      ))}
      {error !== undefined && <p role="alert">{explain(error)}</p>}
    </form>
  )
}
