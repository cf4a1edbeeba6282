/** Waiting for what comes by itself. No test waits so long on a machine that has nothing else to do. */
import { vi } from 'vitest'

/** vitest.config.ts gives `expect.poll` as long. */
const timeout = 60_000

/** @returns what the check returns once it does not throw */
export function eventually<T>(check: () => T | Promise<T>, interval = 50): Promise<T> {
  return vi.waitFor(check, { timeout, interval })
}

export async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { timeout, interval: 5 })
}
