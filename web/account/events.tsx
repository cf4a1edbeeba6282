/** What happened to the account lately: who has signed in or tried to, and what was changed. */
import { useEffect, useRef, useState } from 'react'
import { deviceName } from '../device-name.ts'
import { describeEvent, type AccountEvent } from '../event-words.ts'
import { ProblemNotice } from '../parts/notice.tsx'
import { useProviderNames } from '../providers.tsx'
import type { Person } from './account.tsx'
import { Moment } from './moment.tsx'
import { Section } from './section.tsx'
import { useEvents, type Shown } from './use-events.ts'

export function Events({ person }: { person: Person }) {
  const { events, hasMore, more, problem, retry, showMore } = useEvents(person)
  const told = useRef<HTMLParagraphElement>(null)
  const [shown, setShown] = useState<Shown>()

  // With the last of them the button is gone, and the announcement takes over its focus.
  useEffect(() => {
    if (shown && !shown.hasMore) told.current?.focus()
  }, [shown])

  const onMore = () => {
    setShown(undefined)
    showMore(setShown)
  }
  return (
    <Section
      id="events"
      title="Recent events"
      lead="The latest events of your account. If you don’t recognise one, change your password."
    >
      {problem && <ProblemNotice problem={problem} retry={retry} isBackground />}
      {!events && !problem && (
        <p role="status" className="waiting">
          Loading…
        </p>
      )}
      {events?.length === 0 && <p>No events yet.</p>}
      {events && events.length > 0 && (
        <ul className="rows">
          {events.map((event) => (
            <Event key={event.id} event={event} />
          ))}
        </ul>
      )}
      {more.problem && <ProblemNotice problem={more.problem} retry={onMore} />}
      {(hasMore || shown) && (
        <div className="section-buttons">
          {hasMore && (
            <button type="button" className="button" aria-disabled={more.isBusy} onClick={onMore}>
              Show more
            </button>
          )}
          <p ref={told} role="status" tabIndex={-1}>
            {/* Not true any more if the list has changed since. */}
            {shown && shown.total === events?.length && describeShown(shown)}
          </p>
        </div>
      )}
    </Section>
  )
}

function Event({ event }: { event: AccountEvent }) {
  const words = describeEvent(event, useProviderNames())
  return (
    <li className="row">
      <div className="row-text">
        <strong>
          {words.title}{' '}
          {words.outcome !== undefined && (
            <span className="badge badge-problem">{words.outcome}</span>
          )}
        </strong>
        {words.details.length > 0 && <span>{words.details.join(' ')}</span>}
        <span>
          <Moment at={event.occurredAt} />
          {words.isByOperator
            ? ', by the operator of this service'
            : `, ${deviceName(event.userAgent)}`}
          {event.ip !== null && ` from ${event.ip}`}
        </span>
      </div>
    </li>
  )
}

function describeShown({ count, hasMore, total }: Shown): string {
  const more = `${count} more ${count === 1 ? 'event' : 'events'}, ${total} in all.`
  return hasMore ? more : `${more} There are no older ones.`
}
