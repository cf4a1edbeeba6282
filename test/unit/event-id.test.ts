import { expect, it } from 'vitest'
import { EventIds, lowestEventId } from '../../src/core/audit/event-id.ts'

const time = Date.UTC(2026, 0, 31, 12)

it('ids are UUIDs of version 7 with the time in front', () => {
  const id = new EventIds().next(0x017f22e279b0)
  // The time of the example in RFC 9562, appendix A.6.
  expect(id).toMatch(/^017f22e2-79b0-7000-[89ab][\da-f]{3}-[\da-f]{12}$/)
})

it('ids of one process are in their order, within a millisecond and across a small step back', () => {
  const ids = new EventIds()
  const made = Array.from({ length: 10_000 }, (_, index) => ids.next(time - (index % 3)))
  expect(made.toSorted()).toEqual(made)
  expect(new Set(made).size).toBe(made.length)
})

it('ids follow a clock that was far ahead and is right again', () => {
  const ids = new EventIds()
  ids.next(time + 3_600_000)
  expect(ids.next(time) < lowestEventId(time + 1000)).toBe(true)
})

it('the lowest id of a time is below all of its ids and above all earlier ones', () => {
  const ids = new EventIds()
  expect(ids.next(time - 1) < lowestEventId(time)).toBe(true)
  expect(lowestEventId(time) < ids.next(time)).toBe(true)
  expect(lowestEventId(-1)).toBe('00000000-0000-0000-0000-000000000000')
})
