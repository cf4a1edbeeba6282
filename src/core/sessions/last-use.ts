/**
 * When a session was last used, as far as its list says so. A thief of a refresh token who knew the moment
 * of the owner's refresh could use the grace window unnoticed, so what is shown changes at full hours
 * only (docs/adr/0035).
 */
import type { SessionPolicy } from './authentication.ts'
import type { Session } from './session.entity.ts'

const longestStepMilliseconds = 60 * 60 * 1000
/** Of the idle lifetime: what is shown is up to two steps old, and must not look expired. */
const stepsPerIdleLifetime = 4

/** The beginning of the hour, or of the shorter step that a short idle lifetime needs. */
export function beginningOfStep(now: number, policy: SessionPolicy): number {
  const step = Math.max(
    1,
    Math.min(
      longestStepMilliseconds,
      Math.floor((policy.idleLifetimeSeconds * 1000) / stepsPerIdleLifetime),
    ),
  )
  return now - (now % step)
}

/** @returns the last use before the current step, to the step; and the end that follows from it */
export function shownTimes(
  session: Pick<Session, 'createdAt' | 'endsAt' | 'lastUsedAt' | 'usedBefore'>,
  policy: SessionPolicy,
  now: number,
): { lastUsedAt: number; expiresAt: number } {
  const { createdAt, endsAt, usedBefore } = session
  const isOld = session.lastUsedAt < beginningOfStep(now, policy)
  const known = isOld ? session.lastUsedAt : (usedBefore ?? createdAt)
  const lastUsedAt = Math.max(createdAt, beginningOfStep(known, policy))
  return {
    lastUsedAt,
    expiresAt: Math.min(endsAt, lastUsedAt + policy.idleLifetimeSeconds * 1000),
  }
}
