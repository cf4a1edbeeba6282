/** What tabs tell each other: over BroadcastChannel, over `storage` events where it is missing, else not at all. */
import type { Platform, TabMessage } from './coordination.ts'
import { parseJson } from './errors.ts'
import { randomId } from './random-id.ts'

export interface Channel {
  tell(message: TabMessage): void
  /** @returns stops listening */
  listen(hear: (message: TabMessage) => void): () => void
  /** Whether another tab has told something that has not arrived here yet. */
  isBehind(): boolean
  close(): void
}

type Letter = { readonly id: string; readonly message: TabMessage }

/**
 * A board in localStorage has the id of the last letter. It is read at once, where a message takes its
 * time, so a tab knows whether there is one on its way.
 */
export function createChannel(name: string, platform: Platform): Channel {
  const listeners = new Set<(message: TabMessage) => void>()
  const key = `${name} news`
  const board = createBoard(key, platform.storage)
  let lastHeard = board.read()
  const hear = ({ id, message }: Letter) => {
    if (message.type !== 'ask') lastHeard = id
    for (const listener of listeners) listener(message)
  }

  let channel: BroadcastChannel | undefined
  const open = () => {
    if (channel || !platform.BroadcastChannel) return
    channel = new platform.BroadcastChannel(name)
    channel.addEventListener('message', ({ data }: MessageEvent<Letter>) => hear(data))
    // In Node an open channel keeps the program running.
    ;(channel as { unref?: () => void }).unref?.()
  }
  const hearStorage = (event: Event) => {
    const { key: changed, newValue } = event as StorageEvent
    const letter = changed === key && newValue ? parseLetter(newValue) : undefined
    if (letter) hear(letter)
  }
  const usesStorage = !platform.BroadcastChannel && platform.storage !== undefined

  if (usesStorage) platform.events?.addEventListener('storage', hearStorage)
  open()

  return {
    tell: (message) => {
      const letter = { id: randomId(), message }
      if (message.type !== 'ask') {
        lastHeard = letter.id
        board.write(letter)
      }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window: it has its own origin only
      channel?.postMessage(letter)
    },
    listen: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    // Without tokens on the way there is nothing to wait for.
    isBehind: () => channel !== undefined && board.read() !== lastHeard,
    close: () => {
      listeners.clear()
      channel?.close()
      channel = undefined
      platform.events?.removeEventListener('storage', hearStorage)
    },
  }
}

function createBoard(key: string, storage: Platform['storage']) {
  return {
    /** The id of the last letter. */
    read: (): string | undefined => parseLetter(storage?.getItem(key) ?? '')?.id,
    write: ({ id, message }: Letter) => {
      try {
        storage?.setItem(key, JSON.stringify({ id, message: withoutTokens(message) }))
      } catch {
        // The storage is full: then a tab hears of it by the server.
      }
    },
  }
}

function parseLetter(text: string): Letter | undefined {
  return parseJson(text) as Letter | undefined
}

/** What is in localStorage is on the disk. */
function withoutTokens(message: TabMessage): TabMessage {
  return message.type === 'session' ? { type: message.type, cause: message.cause } : message
}
