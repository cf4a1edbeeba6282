/** What happened to the account: the newest, read whenever the account is, and older ones on demand. */
import { useCallback, useEffect, useState } from 'react'
import { EventsDocument, type EventsQuery } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useAction } from '../parts/use-action.ts'
import { describeProblem, type Problem } from '../problem.ts'
import type { Person } from './account.tsx'

type Page = EventsQuery['me']['events']

/** What has come of asking for more. */
export interface Shown {
  readonly count: number
  /** With those that were there before. */
  readonly total: number
  readonly hasMore: boolean
}

const pageSize = 10

/** @param person whose account has been read: each reading asks for the newest events, too */
export function useEvents(person: Person) {
  const { auth } = useAuth()
  const more = useAction()
  const [known, setKnown] = useState<Page>()
  const [problem, setProblem] = useState<Problem>()
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    let isOver = false
    auth.request(EventsDocument, { first: pageSize }).then(
      ({ me }) => {
        if (isOver) return
        setKnown((before) => (before ? putBefore(me.events, before) : me.events))
        setProblem(undefined)
      },
      (error: unknown) => {
        // The end of the session is another view, not a problem of this one.
        if (!isOver && auth.state.status === 'signedIn') setProblem(describeProblem(error))
      },
    )
    return () => {
      isOver = true
    }
  }, [auth, person, attempt])

  const showMore = (onShown: (shown: Shown) => void) =>
    more.run(async () => {
      const after = known?.pageInfo.endCursor
      if (!known || after == null) return
      const { me } = await auth.request(EventsDocument, { first: pageSize, after })
      const { edges, pageInfo } = me.events
      // If the list was replaced meanwhile, these do not follow it any more.
      setKnown((now) =>
        now?.pageInfo.endCursor === after ? { edges: [...now.edges, ...edges], pageInfo } : now,
      )
      onShown({
        count: edges.length,
        total: known.edges.length + edges.length,
        hasMore: pageInfo.hasNextPage,
      })
    })
  const retry = useCallback(() => setAttempt((count) => count + 1), [])
  return {
    events: known?.edges.map(({ node }) => node),
    hasMore: known?.pageInfo.hasNextPage ?? false,
    problem,
    retry,
    more,
    showMore,
  }
}

/** The newest page, and what is known to follow it; alone where what lies between is not known. */
function putBefore(newest: Page, known: Page): Page {
  const last = newest.edges.at(-1)?.cursor
  const place = known.edges.findIndex(({ cursor }) => cursor === last)
  const older = place === -1 ? [] : known.edges.slice(place + 1)
  return older.length === 0
    ? newest
    : { edges: [...newest.edges, ...older], pageInfo: known.pageInfo }
}
