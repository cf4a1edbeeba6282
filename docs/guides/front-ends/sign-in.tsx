import type { SubmitEvent } from 'react'
import { setAccessToken } from './apollo.ts'
import { readServerError, useLoginWithCookieMutation, type ServerError } from './latchkey/index.ts'

export function SignIn() {
  const [login, { error, loading }] = useLoginWithCookieMutation({
    // What went wrong is shown below, so it is not thrown.
    errorPolicy: 'all',
    onCompleted: ({ login: { accessToken } }) => setAccessToken(accessToken),
  })

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const email = form.get('email') as string
    const password = form.get('password') as string
    void login({ variables: { email, password } })
  }

  return (
    <form onSubmit={submit}>
      <input name="email" type="email" autoComplete="username" required />
      <input name="password" type="password" autoComplete="current-password" required />
      <button disabled={loading}>Sign in</button>
      {error && <p role="alert">{explain(readServerError(error))}</p>}
    </form>
  )
}

export function explain(failure: ServerError | undefined): string {
  if (failure?.code === 'INVALID_CREDENTIALS') return 'Wrong e-mail or password.'
  if (failure?.code === 'RATE_LIMITED') {
    return `Too many attempts. Try again in ${failure.retryAfter} seconds.`
  }
  if (failure?.code === 'UNAUTHENTICATED') return 'This account is disabled.'
  return 'This did not work. Try again later.'
}
