/** The question that asks users to confirm who they are, before what changes how their account is signed in to. */
import { createContext, use, useMemo } from 'react'
import { AccountDocument, type AuthClient, type ReauthenticationRequired } from '../client/index.ts'
import { useAuth } from '../client/react.ts'
import { readPendingLink, writePendingLink } from './pending-link.ts'

export interface Question {
  /** `password`, or ids of providers. */
  readonly methods: readonly string[]
  readonly answer: (isProven: boolean) => void
}

/** The question that is open, which the client asks and a dialog shows. */
export interface ProofQuestions {
  readonly ask: (about: Pick<ReauthenticationRequired, 'methods' | 'signal'>) => Promise<boolean>
  readonly subscribe: (listener: () => void) => () => void
  readonly current: () => Question | undefined
}

export function createProofQuestions(): ProofQuestions {
  const listeners = new Set<() => void>()
  let question: Question | undefined
  const show = (next: Question | undefined) => {
    question = next
    for (const listener of listeners) listener()
  }
  const ask: ProofQuestions['ask'] = ({ methods, signal }) =>
    new Promise<boolean>((resolve) => {
      const answer = (isProven: boolean) => {
        if (question === asked) show(undefined)
        resolve(isProven)
      }
      const asked: Question = { methods, answer }
      // A question that is open already is asked no more.
      question?.answer(false)
      show(asked)
      signal.addEventListener('abort', () => answer(false))
    })
  return {
    ask,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    current: () => question,
  }
}

/** A provider's code has to be sent within five minutes of the proof: this leaves two for the way. */
const soonTooOldSeconds = 180

export const ProofContext = createContext<ProofQuestions | undefined>(undefined)

/** @returns asks before the user is sent to a provider to link it, if the last proof will be too old */
export function useProofBeforeLinking(): (provider: string) => Promise<boolean> {
  const { auth } = useAuth()
  const questions = use(ProofContext)
  return useMemo(
    () => async (provider) => {
      if (!questions || (auth.proofAge() ?? 0) < soonTooOldSeconds) return true
      const methods = await readMethods(auth)
      // The way to the proof may lead over another provider: the link is finished after that.
      const before = readPendingLink()
      writePendingLink({ provider, linkableWith: [] })
      const isProven = await questions.ask({ methods, signal: new AbortController().signal })
      writePendingLink(before)
      return isProven
    },
    [auth, questions],
  )
}

async function readMethods(auth: AuthClient): Promise<string[]> {
  const { me } = await auth.request(AccountDocument)
  const providers = me.identities.map(({ provider }) => provider)
  return [...(me.hasPassword ? ['password'] : []), ...new Set(providers)]
}
