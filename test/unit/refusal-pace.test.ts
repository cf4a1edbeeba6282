import { describe, expect, it, onTestFinished } from 'vitest'
import { RefusalPace, type RefusalPaceOptions } from '../../src/http/refusal-pace.ts'

/** With a clock that stands still, so that nothing becomes due. */
function createPace(options: Partial<RefusalPaceOptions> = {}): RefusalPace {
  const pace = new RefusalPace({
    longestMilliseconds: 60_000,
    networkOf: (ip) => ip ?? 'unknown',
    perSecond: { network: 10, all: 30 },
    now: () => 1_000_000,
    ...options,
  })
  onTestFinished(() => pace.stop())
  return pace
}

/** @returns how many of the refusals are sent at once */
function sentAtOnce(pace: RefusalPace, count: number, ip: string, elapsedMilliseconds = 0): number {
  let sent = 0
  for (let index = 0; index < count; index++)
    pace.send(ip, elapsedMilliseconds, () => void (sent += 1))
  return sent
}

describe('refusals', () => {
  it('are sent at once to each network, up to a second’s worth, and held beyond', () => {
    const pace = createPace()
    expect(sentAtOnce(pace, 100, 'a')).toBe(10)
    expect(sentAtOnce(pace, 5, 'b')).toBe(5)
  })

  it('are held for all networks if together they bring too many', () => {
    const pace = createPace()
    const sent = Array.from({ length: 100 }, (_, index) => sentAtOnce(pace, 1, `network ${index}`))
    expect(sent.filter((count) => count === 1)).toHaveLength(30)
  })

  it('are sent at once again when time has passed, however many there were', () => {
    let now = 1_000_000
    const pace = createPace({ now: () => now })
    sentAtOnce(pace, 1000, 'a')
    now += 62_000
    expect(sentAtOnce(pace, 100, 'a')).toBe(10)
  })

  it('are not held if their request has waited already', () => {
    expect(sentAtOnce(createPace(), 100, 'a', 60_001)).toBe(100)
  })

  it('are not held beyond a number of them', () => {
    const pace = createPace({ maximumHeld: 20 })
    expect(sentAtOnce(pace, 100, 'a')).toBe(80)
    expect(pace.heldCount).toBe(20)
  })

  it('are all sent when the server stops, and none is held after that', () => {
    const pace = createPace()
    let sent = 0
    for (let index = 0; index < 100; index++) pace.send('a', 0, () => void (sent += 1))
    pace.stop()
    expect(sent).toBe(100)
    expect(sentAtOnce(pace, 100, 'a')).toBe(100)
  })
})

describe('responses that cost much', () => {
  it('wait for those of their own network only, each costly field counted', async () => {
    const pace = createPace()
    const sent: string[] = []
    const take = async (ip: string, count: number) => {
      await pace.costlyTurn(ip, 0, count)
      sent.push(ip)
    }
    sentAtOnce(pace, 10, 'a')
    const turns = [take('a', 1), take('b', 10), take('b', 1), take('c', 1)]
    await turns[3]
    expect(sent).toEqual(['b', 'c'])
    pace.stop()
    await Promise.all(turns)
    expect(sent).toEqual(['b', 'c', 'a', 'b'])
  })
})
