import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { createCoordination, type Platform } from '../../client/index.ts'
import { eventually } from '../support/patience.ts'

const ended = (sessionId: string) =>
  ({ type: 'signedOut', sessionId, reason: 'SIGNED_OUT' }) as const

/** A tab, and another that hears what it tells. */
function openTwo(storage: Platform['storage']) {
  const name = `test ${randomUUID()}`
  const platform: Platform = { locks: navigator.locks, BroadcastChannel, storage }
  const [tab, other] = [createCoordination(name, platform), createCoordination(name, platform)]
  const heard: string[] = []
  other.listen((message) => {
    heard.push(message.type)
    if (message.type === 'ask') other.tell(ended('asked'))
  })
  onTestFinished(() => {
    tab.close()
    other.close()
  })
  return { tab, other, heard }
}

const full: Platform['storage'] = {
  getItem: () => null,
  setItem: () => {
    throw new DOMException('It is full', 'QuotaExceededError')
  },
  removeItem: () => undefined,
}

it.each([
  ['no storage', undefined],
  ['a storage that is full', full],
])('tabs with %s ask for news only when they have waited for each other', async (_, storage) => {
  const { tab, other, heard } = openTwo(storage)
  other.tell(ended('one'))
  await tab.exclusive(async () => tab.tell(ended('two')))
  await tab.exclusive(async () => tab.tell(ended('three')))
  // What one tells is heard in its order.
  await eventually(() => expect(heard.filter((type) => type === 'signedOut')).toHaveLength(2))
  expect(heard).toEqual(['signedOut', 'signedOut'])
})

it('a tab whose news has not arrived yet is asked for it', async () => {
  const stored = new Map<string, string>()
  const { tab, heard } = openTwo({
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => void stored.set(key, value),
    removeItem: (key) => void stored.delete(key),
  })
  await tab.exclusive(async () => tab.tell(ended('one')))
  const [key] = stored.keys()
  stored.set(key!, JSON.stringify({ id: 'of a message on its way', message: ended('two') }))
  await tab.exclusive(async () => undefined)
  expect(heard).toEqual(['signedOut', 'ask'])
})
