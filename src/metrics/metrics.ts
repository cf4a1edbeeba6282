/** What the server counts and measures, for Prometheus. prom-client lives here. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { RecordedEvent } from '../core/audit/audit-trail.ts'
import { EventKind } from '../core/audit/event.ts'
import type { OperationReport } from '../graphql/operation-report.ts'

/** What is read when the metrics are fetched, rather than counted as it happens. */
export interface Gauges {
  /** Undefined for an engine without a pool. */
  readonly databaseConnections?: (() => ConnectionCounts) | undefined
}

export interface ConnectionCounts {
  readonly used: number
  readonly idle: number
  /** Requests that wait for a connection. */
  readonly waiting: number
}

/** What one process has counted and measured, to be added to that of others. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export class Metrics {
  readonly #registry = new Registry()
  readonly #requests = new Histogram({
    name: 'latchkey_http_request_duration_seconds',
    help: 'Time from the arrival of a request to its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: requestSeconds,
    registers: [this.#registry],
  })
  readonly #fields = new Counter({
    name: 'latchkey_graphql_fields_total',
    help: 'Root fields that were answered: OK, or the code of their error.',
    labelNames: ['field', 'outcome'],
    registers: [this.#registry],
  })
  readonly #operations = new Histogram({
    name: 'latchkey_graphql_operation_duration_seconds',
    help: 'Time to parse, validate and execute an operation, by its root field.',
    labelNames: ['field'],
    buckets: requestSeconds,
    registers: [this.#registry],
  })
  readonly #signIns = new Counter({
    name: 'latchkey_sign_ins_total',
    help: 'Successful sign-ins, by method.',
    labelNames: ['method'],
    registers: [this.#registry],
  })
  readonly #signInFailures = new Counter({
    name: 'latchkey_sign_in_failures_total',
    help: 'Refused sign-ins, by method and reason.',
    labelNames: ['method', 'reason'],
    registers: [this.#registry],
  })
  readonly #refreshes = new Counter({
    name: 'latchkey_refreshes_total',
    help: 'Refresh tokens: rotated, used again within the grace window, or reused after it.',
    labelNames: ['outcome'],
    registers: [this.#registry],
  })
  readonly #events = new Counter({
    name: 'latchkey_audit_events_total',
    help: 'Events of the audit trail that requests have brought about.',
    labelNames: ['type'],
    registers: [this.#registry],
  })
  readonly #hashWaits = new Histogram({
    name: 'latchkey_hash_wait_seconds',
    help: 'Time that a password waited for a thread.',
    buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.#registry],
  })

  constructor(gauges: Gauges) {
    const { databaseConnections } = gauges
    const registers = [this.#registry]
    if (databaseConnections) {
      const connections: Gauge<'state'> = new Gauge({
        name: 'latchkey_database_connections',
        help: 'Connections of the pool, and requests that wait for one.',
        labelNames: ['state'],
        registers,
        collect: () => {
          for (const [state, count] of Object.entries(databaseConnections())) {
            connections.set({ state }, count)
          }
        },
      })
    }
    new Gauge({ name: 'latchkey_workers', help: 'Processes that serve.', registers }).set(1)
    // Initialised to 0, so that dashboards can distinguish "no events" from "not exported".
    for (const outcome of ['rotated', 'grace', 'reused']) this.#refreshes.inc({ outcome }, 0)
    // Of the process: event loop delay, garbage collection, memory, CPU, file descriptors.
    collectDefaultMetrics({ register: this.#registry })
  }

  /** @param depth how many passwords wait for a thread */
  showHashQueue(depth: () => number): void {
    const gauge: Gauge = new Gauge({
      name: 'latchkey_hash_queue_depth',
      help: 'Passwords that wait for a thread.',
      registers: [this.#registry],
      collect: () => gauge.set(depth()),
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** In Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  async snapshot(): Promise<MetricsSnapshot> {
    const list = await this.#registry.getMetricsAsJSON()
    // Their mean, which prom-client would take, hides the one that is blocked behind those that are not.
    return list.map((metric) =>
      metric.name.startsWith('nodejs_eventloop_lag_p') ? { ...metric, aggregator: 'max' } : metric,
    )
  }

  /** @param route a path of ours, never what the client sent */
  readonly observeRequest = (
    method: string,
    route: string,
    status: number,
    seconds: number,
  ): void => {
    this.#requests.observe({ method, route, status }, seconds)
  }

  readonly observeOperation = ({ fields, seconds }: OperationReport): void => {
    for (const { name, outcome } of fields) this.#fields.inc({ field: name, outcome })
    const field = fields.length === 1 ? fields[0]!.name : '(several)'
    this.#operations.observe({ field }, seconds)
  }

  readonly countEvent = ({ type, method, reason }: RecordedEvent): void => {
    this.#events.inc({ type })
    const way = method ?? ''
    if (type === EventKind.SIGNED_IN) this.#signIns.inc({ method: way })
    if (type === EventKind.SIGN_IN_FAILED) {
      this.#signInFailures.inc({ method: way, reason: reason ?? '' })
    }
    if (type === EventKind.REFRESH_TOKEN_REUSED) this.#refreshes.inc({ outcome: 'reused' })
  }

  readonly countRefresh = (outcome: 'rotated' | 'grace'): void => {
    this.#refreshes.inc({ outcome })
  }

  readonly observeHashWait = (seconds: number): void => {
    this.#hashWaits.observe(seconds)
  }

  close(): void {
    this.#registry.clear()
  }
}
