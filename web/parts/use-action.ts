/** A button's work: under way, done, or failed with a problem to show. */
import { useState } from 'react'
import { describeProblem, type Problem, type Wording } from '../problem.ts'
import { useProviderNames } from '../providers.tsx'

export interface Action {
  readonly isBusy: boolean
  readonly problem: Problem | undefined
  /** Does nothing while it is under way. */
  readonly run: (work: () => Promise<void>) => void
  /** The same again, after a failure that may pass. */
  readonly retry: (() => void) | undefined
}

export function useAction(wording?: Wording): Action {
  const names = useProviderNames()
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<{ problem: Problem; work: () => Promise<void> }>()
  const run = (work: () => Promise<void>) => {
    if (isBusy) return
    setIsBusy(true)
    setFailure(undefined)
    work()
      .catch((error: unknown) =>
        setFailure({ problem: describeProblem(error, names, wording), work }),
      )
      .finally(() => setIsBusy(false))
  }
  return {
    isBusy,
    problem: failure?.problem,
    run,
    retry: failure && (() => run(failure.work)),
  }
}
