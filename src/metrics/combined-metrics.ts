/** The metrics of several processes as those of one server. */
import { AggregatorRegistry, Registry } from 'prom-client'
import type { MetricsSnapshot } from './metrics.ts'

/** What a process that runs has answered; undefined if it did not in time. */
export type Answers = ReadonlyMap<number, MetricsSnapshot | undefined>

/**
 * Adds up what each process counts. What one that is gone had counted when it was last asked stays in the
 * sums: a counter that falls is a restart to Prometheus, and all that is left of it would count twice.
 */
export class CombinedMetrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #ask: () => Promise<Answers>
  readonly #last = new Map<number, MetricsSnapshot>()
  #gone: MetricsSnapshot = []
  #reading: Promise<string> | undefined

  /** @param ask every process that runs, by a number that no later one has */
  constructor(ask: () => Promise<Answers>) {
    this.#ask = ask
  }

  /** In Prometheus's text format. Anyone who asks while it is read gets the same. */
  text(): Promise<string> {
    return (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)))
  }

  async #read(): Promise<string> {
    const answers = await this.#ask()
    for (const [id, snapshot] of answers) if (snapshot) this.#last.set(id, snapshot)
    for (const [id, snapshot] of this.#last) {
      if (answers.has(id)) continue
      this.#last.delete(id)
      this.#gone = await add([this.#gone, snapshot.filter(isCount)]).getMetricsAsJSON()
    }
    return add([...this.#last.values(), this.#gone]).metrics()
  }
}

function add(snapshots: MetricsSnapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots)
}

/** What only grows. A gauge says how something is, and of a process that is gone nothing is. */
function isCount({ type }: MetricsSnapshot[number]): boolean {
  return String(type) === 'counter' || String(type) === 'histogram'
}
