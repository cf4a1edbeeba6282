/** How long work is waited for, and by whom. */
import { NetworkError } from './errors.ts'

/** A lock is held meanwhile, and requests wait: no longer than the server itself takes. */
const timeoutMilliseconds = 30_000
/**
 * Of a renewal, whose response may be lost when the server has replaced the refresh token already: it can be
 * asked for again within the server's grace window of 30 seconds, so several attempts have to fit in.
 */
export const renewalTimeoutMilliseconds = 8000

/** Rejects with the signal's reason as soon as it is aborted; the work continues for others. */
export function whileWanted<T>(
  signal: AbortSignal | null | undefined,
  work: Promise<T>,
): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop))
      .catch(() => undefined)
  })
}

/**
 * Hands the work a signal that gives up after a while, as if the network had.
 * @param aborted gives up before that
 * @throws NetworkError after `milliseconds`; default: 30 seconds
 */
export async function inTime<T>(
  work: (signal: AbortSignal) => Promise<T>,
  aborted?: AbortSignal,
  milliseconds = timeoutMilliseconds,
): Promise<T> {
  const controller = new AbortController()
  const abort = () => controller.abort(aborted?.reason)
  if (aborted?.aborted) abort()
  aborted?.addEventListener('abort', abort)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    controller.abort()
  }, milliseconds)
  try {
    return await work(controller.signal)
  } catch (cause) {
    if (isLate) throw new NetworkError('The server did not answer in time.', { cause })
    throw cause
  } finally {
    clearTimeout(timer)
    aborted?.removeEventListener('abort', abort)
  }
}
