import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FairQueue } from '../../src/features/passwords/fair-queue.ts'

/** Each item is the name of its network and a number. */
function fill(queue: FairQueue<string>, network: string, count: number): (string | undefined)[] {
  return Array.from({ length: count }, (_, index) =>
    queue.hasRoom(network) ? queue.add(network, `${network}${index}`) : 'refused',
  )
}

function takeAll(queue: FairQueue<string>): string[] {
  const items: string[] = []
  for (let item = queue.take(); item !== undefined; item = queue.take()) items.push(item)
  return items
}

describe('a queue that is fair to networks', () => {
  it('gives each its turn, and the items of each in the order in which they came', () => {
    const queue = new FairQueue<string>(12)
    fill(queue, 'a', 4)
    fill(queue, 'b', 2)
    fill(queue, 'c', 1)
    expect(takeAll(queue)).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2', 'a3'])
  })

  it('refuses a network that has filled it', () => {
    const queue = new FairQueue<string>(3)
    expect(fill(queue, 'a', 5)).toEqual([undefined, undefined, undefined, 'refused', 'refused'])
  })

  it('has the newest of the network that has the most give way, until the two are even', () => {
    const queue = new FairQueue<string>(4)
    fill(queue, 'a', 4)
    expect(fill(queue, 'b', 3)).toEqual(['a3', 'a2', 'refused'])
    expect(takeAll(queue)).toEqual(['a0', 'b0', 'a1', 'b1'])
  })

  it('gives no place of a network to one that has one item less', () => {
    const queue = new FairQueue<string>(5)
    fill(queue, 'a', 3)
    expect(fill(queue, 'b', 3)).toEqual([undefined, undefined, 'refused'])
    expect(takeAll(queue)).toEqual(['a0', 'b0', 'a1', 'b1', 'a2'])
  })

  it('never holds more than its limit, nor loses or repeats an item', () => {
    const step = fc.oneof(fc.constant('take'), fc.constantFrom('a', 'b', 'c', 'd'))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step), (limit, steps) => {
        const queue = new FairQueue<number>(limit)
        const inside = new Set<number>()
        for (const [index, what] of steps.entries()) {
          let wasInside = true
          if (what === 'take') {
            const item = queue.take()
            wasInside = item === undefined ? inside.size === 0 : inside.delete(item)
          } else if (queue.hasRoom(what)) {
            const given = queue.add(what, index)
            wasInside = given === undefined || inside.delete(given)
            inside.add(index)
          }
          expect(wasInside).toBe(true)
          expect(queue.size).toBe(inside.size)
          expect(queue.size).toBeLessThanOrEqual(limit)
        }
      }),
    )
  })
})
