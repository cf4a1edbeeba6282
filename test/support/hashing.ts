/** Watches the real password hashing, and holds it where a test needs something to happen meanwhile. */
import { Piscina } from 'piscina'
import { onTestFinished, vi } from 'vitest'
import type { HashingResult, HashingTask } from '../../src/features/passwords/bcrypt.worker.ts'
import { PasswordHasher } from '../../src/features/passwords/password-hasher.ts'

export type RecordedTask = HashingTask & {
  /** Its turn came too late: no password was hashed. */
  isUndone: boolean
}

/** @returns what is handed to the worker threads from now on; grows as the test goes */
export function recordHashing(): readonly RecordedTask[] {
  const tasks: RecordedTask[] = []
  const run = Piscina.prototype.run
  const spy = vi.spyOn(Piscina.prototype, 'run').mockImplementation(async function (
    this: Piscina,
    ...parameters
  ) {
    const task = { ...(parameters[0] as HashingTask), isUndone: false }
    tasks.push(task)
    const result = (await run.apply(this, parameters)) as HashingResult
    task.isUndone = result.value === undefined
    return result
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
