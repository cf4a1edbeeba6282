// Turns of tabs that have no Web Locks: a lease in what stands for localStorage.
import { describe, expect, it, vi } from 'vitest'
import { createLock } from '../../client/lock.ts'

function createStorage() {
  const kept = new Map<string, string>()
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
}

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => void setTimeout(resolve, milliseconds))

/** A task that notes when it starts and ends. */
function noting(order: string[], name: string, milliseconds = 5) {
  return async () => {
    order.push(`${name} begins`)
    await pause(milliseconds)
    order.push(`${name} ends`)
  }
}

describe('a lease', () => {
  it('lets one tab after the other, and leaves nothing behind', async () => {
    const storage = createStorage()
    const order: string[] = []
    await Promise.all(
      ['a', 'b', 'c'].map((name) => createLock('turn', { storage })(noting(order, name))),
    )
    const names = order.map((line) => line[0]!)
    expect(new Set(names).size).toBe(3)
    for (let index = 0; index < order.length; index += 2) {
      expect(order[index + 1]).toBe(`${names[index]!} ends`)
    }
    expect(storage.kept.size).toBe(0)
  })

  it('is held as long as the task takes, and ends with a tab that was closed', async () => {
    vi.useFakeTimers()
    try {
      const storage = createStorage()
      const order: string[] = []
      let isOpen = true
      const ofFirst = {
        ...storage,
        setItem: (key: string, value: string) => void (isOpen && storage.setItem(key, value)),
      }
      void createLock('turn', { storage: ofFirst })(noting(order, 'a', 60_000))
      await vi.advanceTimersByTimeAsync(100)
      // It starts while the first lease has been prolonged, and is not over.
      await vi.advanceTimersByTimeAsync(12_000)
      const second = createLock('turn', { storage })(noting(order, 'b'))
      await vi.advanceTimersByTimeAsync(5000)
      expect(order).toEqual(['a begins'])
      // The tab is closed: no one prolongs its lease, or gives it back.
      isOpen = false
      await vi.advanceTimersByTimeAsync(9900)
      await second
      expect(order).toEqual(['a begins', 'b begins', 'b ends'])
    } finally {
      vi.useRealTimers()
    }
  })

  it('that cannot be written keeps no one from going on', async () => {
    const storage = {
      ...createStorage(),
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError')
      },
    }
    expect(await createLock('turn', { storage })(async () => 'done')).toBe('done')
  })

  it('passes on what the task throws, and lets the next one start', async () => {
    const lock = createLock('turn', { storage: createStorage() })
    const failing = lock(() => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(await lock(async () => 'done')).toBe('done')
  })
})

describe('Web Locks', () => {
  it('that the page may not use keep no one from going on', async () => {
    const locks = {
      request: () => Promise.reject(new DOMException('sandboxed', 'SecurityError')),
    } as unknown as LockManager
    expect(await createLock('turn', { locks })(async () => 'done')).toBe('done')
  })

  it('pass on what the task throws, and do it once', async () => {
    let times = 0
    const lock = createLock(`turn ${Math.random()}`, { locks: navigator.locks })
    const failing = lock(async () => {
      times += 1
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(times).toBe(1)
  })
})
