/** The page, as the server renders it and as the browser takes it over. */
import { RevokeSessionDocument, errorCode, type AccountQuery } from 'latchkey/client'
import { useState } from 'react'
import { ask } from './ask.ts'

/** What the page is rendered with: it goes to the browser, so it has no token. */
export interface PageData {
  readonly me: AccountQuery['me'] | null
  readonly message: string | null
}

export function Page({ me, message }: PageData) {
  return (
    <main>
      {message && <p role="alert">{message}</p>}
      {me ? (
        <>
          <form method="post" action="/sign-out">
            Hello, {me.name ?? me.email}! <button>Sign out</button>
          </form>
          <Devices sessions={me.sessions} />
        </>
      ) : (
        <form method="post" action="/sign-in">
          <input name="email" type="email" autoComplete="username" required />
          <input name="password" type="password" autoComplete="current-password" required />
          <button>Sign in</button>
        </form>
      )}
    </main>
  )
}

function Devices({ sessions }: { sessions: AccountQuery['me']['sessions'] }) {
  const [ended, setEnded] = useState<readonly string[]>([])
  const [hasFailed, setHasFailed] = useState(false)
  async function revoke(id: string) {
    setHasFailed(false)
    try {
      await ask(RevokeSessionDocument, { id })
      setEnded((before) => [...before, id])
    } catch (error) {
      // This session is over: the page shows the form.
      if (errorCode(error) === 'UNAUTHENTICATED') location.reload()
      else setHasFailed(true)
    }
  }
  return (
    <ul>
      {hasFailed && <li role="alert">This did not work. Try again in a moment.</li>}
      {sessions
        .filter(({ id }) => !ended.includes(id))
        .map(({ id, userAgent, current }) => (
          <li key={id}>
            {userAgent ?? 'Unknown device'}{' '}
            {current ? '(this one)' : <button onClick={() => void revoke(id)}>Sign out</button>}
          </li>
        ))}
    </ul>
  )
}
