// How long the client waits for a response while others wait for it.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { inTime, whileWanted } from '../../client/deadline.ts'
import { NetworkError } from '../../client/errors.ts'

/** Work that ends only when it is told to. */
function endless(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
}
const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => error)

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('inTime', () => {
  it('gives up after half a minute, as if the network had', async () => {
    const failure = failureOf(inTime(endless))
    await vi.advanceTimersByTimeAsync(29_999)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await failure).toBeInstanceOf(NetworkError)
  })

  it('gives up at once if no one wants the response any more, and leaves no timer', async () => {
    const controller = new AbortController()
    const failure = failureOf(inTime(endless, controller.signal))
    const reason = new Error('signed out')
    controller.abort(reason)
    expect(await failure).toBe(reason)
    expect(await inTime(async () => 'done')).toBe('done')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('whileWanted', () => {
  it('releases a caller that gives up, and keeps the work', async () => {
    const controller = new AbortController()
    const work = Promise.withResolvers<string>()
    const impatient = failureOf(whileWanted(controller.signal, work.promise))
    const patient = whileWanted(undefined, work.promise)
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await impatient).toBe(reason)
    expect(await failureOf(whileWanted(controller.signal, work.promise))).toBe(reason)
    work.resolve('done')
    expect(await patient).toBe('done')
  })
})
