/** Before it is known whether a user is signed in: a moment of waiting, or a server that cannot be reached. */
import { useEffect, useState } from 'react'
import { ProblemNotice } from '../parts/notice.tsx'
import { CardView } from '../parts/view.tsx'
import type { Problem } from '../problem.ts'

/** Most responses are quicker than this; a word that flickers would only disturb. */
const patienceMilliseconds = 400

export function Starting({ label = 'One moment…' }: { label?: string }) {
  const [isSlow, setIsSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setIsSlow(true), patienceMilliseconds)
    return () => clearTimeout(timer)
  }, [])
  return (
    <main className="entrance">
      <p role="status" className="waiting">
        {isSlow ? label : ''}
      </p>
    </main>
  )
}

export function NotStarted({ problem, retry }: { problem: Problem; retry: () => void }) {
  return (
    <CardView title="No connection">
      <ProblemNotice problem={{ ...problem, canRetry: true }} retry={retry} />
    </CardView>
  )
}
