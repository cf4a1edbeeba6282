// The sums over several processes: they never fall, anyone who is gone.
import { Counter, Gauge, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { CombinedMetrics, type Answers } from '../../src/metrics/combined-metrics.ts'

/** A process that has counted so much, and in which so many wait. */
async function snapshot(counted: number, waiting: number) {
  const registers = [new Registry()]
  new Counter({ name: 'counted', help: 'Counted.', labelNames: ['way'], registers }).inc(
    { way: 'in' },
    counted,
  )
  new Gauge({ name: 'waiting', help: 'Waiting.', registers }).set(waiting)
  return registers[0]!.getMetricsAsJSON()
}

async function readAll(rounds: Answers[]): Promise<string[]> {
  const left = [...rounds]
  const metrics = new CombinedMetrics(async () => left.shift()!)
  const texts: string[] = []
  for (const _ of rounds) {
    const text = await metrics.text()
    texts.push(text.replaceAll(/^#.*\n|^\n/gm, '').trim())
  }
  return texts
}

describe('combined metrics', () => {
  it('keep the counts of a worker that is gone, once, and drop its gauges', async () => {
    const texts = await readAll([
      new Map([
        [1, await snapshot(5, 2)],
        [2, await snapshot(7, 1)],
      ]),
      // The first has no time.
      new Map([
        [1, undefined],
        [2, await snapshot(8, 0)],
      ]),
      new Map([[2, await snapshot(8, 0)]]),
      new Map([
        [2, await snapshot(8, 0)],
        [3, await snapshot(1, 4)],
      ]),
      new Map([[3, await snapshot(1, 4)]]),
      new Map(),
    ])
    expect(texts).toEqual([
      'counted{way="in"} 12\nwaiting 3',
      'counted{way="in"} 13\nwaiting 2',
      'counted{way="in"} 13\nwaiting 0',
      'counted{way="in"} 14\nwaiting 4',
      'counted{way="in"} 14\nwaiting 4',
      'counted{way="in"} 14',
    ])
  })

  it('are read once for all who ask at the same time', async () => {
    let asked = 0
    const metrics = new CombinedMetrics(async () => {
      asked += 1
      return new Map([[1, await snapshot(3, 0)]])
    })
    const texts = await Promise.all([metrics.text(), metrics.text()])
    expect(asked).toBe(1)
    expect(texts[0]).toBe(texts[1])
    await metrics.text()
    expect(asked).toBe(2)
  })

  it('that cannot be read once are read the next time', async () => {
    let asked = 0
    const metrics = new CombinedMetrics(async () => {
      asked += 1
      if (asked === 1) throw new Error('not now')
      return new Map([[1, await snapshot(3, 0)]])
    })
    await expect(metrics.text()).rejects.toThrow('not now')
    expect(await metrics.text()).toContain('counted{way="in"} 3')
  })
})
