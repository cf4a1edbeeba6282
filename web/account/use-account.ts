/** The account, read when the page opens, after each change, and when the user comes back to it. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { AccountDocument } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { describeProblem, type Problem } from '../problem.ts'
import type { Person } from './account.tsx'

export function useAccount() {
  const { auth } = useAuth()
  const [person, setPerson] = useState<Person>()
  const [problem, setProblem] = useState<Problem>()
  const asked = useRef(0)
  const reload = useCallback(async () => {
    asked.current += 1
    const question = asked.current
    const data = await auth.request(AccountDocument)
    // The question that was asked last has the say, whichever answer comes last.
    if (question !== asked.current) return
    setPerson(data.me)
    setProblem(undefined)
  }, [auth])
  const retry = useCallback(() => {
    // The end of the session is another view, not a problem of this one.
    reload().catch((error: unknown) => {
      if (auth.state.status === 'signedIn') setProblem(describeProblem(error))
    })
  }, [auth, reload])
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'visible') retry()
    }
    retry()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [retry])
  return { person, problem, reload, retry }
}
