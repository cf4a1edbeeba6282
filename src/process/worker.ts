/** Messages between a worker and its primary, and the worker's side of them. */
import cluster from 'node:cluster'
import type { MetricsSnapshot } from '../metrics/metrics.ts'

export interface MessageToWorker {
  readonly latchkey: 'stop' | 'reload' | 'readMetrics'
}

export type MessageToPrimary =
  | { readonly latchkey: 'listening'; readonly url: string }
  | { readonly latchkey: 'metrics'; readonly snapshot: MetricsSnapshot }

/** What a worker does for its primary. */
export interface WorkerHandlers {
  stop(): void
  reloadCertificate(): void
  readMetrics(): Promise<MetricsSnapshot>
}

/** Does what the primary asks for. Without a primary the process ends by itself. */
export function handlePrimaryMessages(worker: WorkerHandlers): void {
  process.on('message', ({ latchkey }: MessageToWorker) => {
    if (latchkey === 'stop') worker.stop()
    if (latchkey === 'reload') worker.reloadCertificate()
    if (latchkey === 'readMetrics') {
      void worker.readMetrics().then((snapshot) => notifyPrimary({ latchkey: 'metrics', snapshot }))
    }
  })
}

/** Notifies the primary that this worker listens. */
export function announceListening(url: string): void {
  notifyPrimary({ latchkey: 'listening', url })
}

/** If there is no primary any more, the process is about to end. */
function notifyPrimary(message: MessageToPrimary): void {
  cluster.worker?.send(message, () => {})
}
