/** Watches the real password hashing, and holds it where a test needs something to happen meanwhile. */
import { Piscina } from 'piscina'
import { onTestFinished, vi } from 'vitest'
import type { HashingTask } from '../../src/passwords/bcrypt.worker.ts'
import { PasswordHasher } from '../../src/passwords/password-hasher.ts'

/** @returns what is handed to the worker threads from now on; grows as the test goes */
export function recordHashing(): readonly HashingTask[] {
  const tasks: HashingTask[] = []
  const run = Piscina.prototype.run
  const spy = vi.spyOn(Piscina.prototype, 'run').mockImplementation(function (
    this: Piscina,
    ...parameters
  ) {
    tasks.push(parameters[0] as HashingTask)
    return run.apply(this, parameters)
  })
  onTestFinished(() => spy.mockRestore())
  return tasks
}

export interface Held {
  /** Resolves when the work is done and its result is being held back. */
  readonly reached: Promise<void>
  release(): void
}

/** Lets the next such work be done, and holds the result back. */
export function holdNext(kind: 'hash' | 'verify' | 'replace'): Held {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const work = PasswordHasher.prototype[kind] as (...parameters: unknown[]) => Promise<never>
  const spy = vi.spyOn(PasswordHasher.prototype, kind).mockImplementationOnce(async function (
    this: PasswordHasher,
    ...parameters: unknown[]
  ) {
    const result = await work.apply(this, parameters)
    reached.resolve()
    await released.promise
    return result
  })
  onTestFinished(() => {
    released.resolve()
    spy.mockRestore()
  })
  return { reached: reached.promise, release: () => released.resolve() }
}
