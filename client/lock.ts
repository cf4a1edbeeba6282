/** One tab at a time: by Web Locks, by a lease in localStorage if they are missing, otherwise within the tab only. */
import type { Platform } from './coordination.ts'
import { randomId } from './random-id.ts'

/** @param task is called with whether it had to wait for another */
export type Lock = <T>(task: (hasWaited: boolean) => Promise<T>) => Promise<T>

export function createLock(name: string, platform: Platform): Lock {
  const acrossTabs = platform.locks
    ? webLock(name, platform.locks)
    : platform.storage
      ? lease(name, platform.storage)
      : unguarded
  return queue(acrossTabs)
}

/** Within a tab, one after the other. */
function queue(acrossTabs: Lock): Lock {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const turn = last.then(() => acrossTabs(task))
    last = turn.catch(() => undefined)
    return turn
  }
}

const unguarded: Lock = (task) => task(false)

function webLock(name: string, locks: Pick<LockManager, 'request'>): Lock {
  return async <T>(task: (hasWaited: boolean) => Promise<T>) => {
    let hasBegun = false
    const begin = (hasWaited: boolean) => {
      hasBegun = true
      return task(hasWaited)
    }
    try {
      const atOnce = await locks.request(name, { ifAvailable: true }, async (lock) =>
        lock === null ? undefined : { result: await begin(false) },
      )
      return atOnce ? atOnce.result : await locks.request(name, () => begin(true))
    } catch (error) {
      // In a sandboxed frame there are locks, but not for it.
      if (hasBegun) throw error
      return begin(false)
    }
  }
}

// A lease is a promise to be done by then. Two tabs that take it in the same instant see each other when
// they look again; if they do not, both continue, which the server forgives (its grace window).
const leaseMilliseconds = 10_000
const pollMilliseconds = 30
/** Longer than any lease: a clock that was set back must not lock the tab out. */
const patienceMilliseconds = 15_000

function lease(name: string, storage: NonNullable<Platform['storage']>): Lock {
  const key = `${name} lease`
  const owner = randomId()
  const read = () => {
    const [holder, until] = (storage.getItem(key) ?? '').split(' ')
    return { holder, isRunning: Number(until) > Date.now() }
  }
  const write = () => storage.setItem(key, `${owner} ${Date.now() + leaseMilliseconds}`)
  const take = async () => {
    const { holder, isRunning } = read()
    if (isRunning && holder !== owner) return false
    write()
    await pause(pollMilliseconds)
    return read().holder === owner
  }
  return async (task) => {
    let hasWaited = false
    const giveUpAt = Date.now() + patienceMilliseconds
    try {
      while (!(await take()) && Date.now() < giveUpAt) {
        hasWaited = true
        await pause(pollMilliseconds * (1 + Math.random()))
      }
    } catch {
      // The storage is full, or forbidden: continue without.
    }
    // What takes longer than the lease continues holding it.
    const renewal = setInterval(
      () => void (read().holder === owner && write()),
      leaseMilliseconds / 3,
    )
    try {
      return await task(hasWaited)
    } finally {
      clearInterval(renewal)
      if (read().holder === owner) storage.removeItem(key)
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
