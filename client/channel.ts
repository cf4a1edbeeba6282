/** Messages between tabs: over BroadcastChannel, over `storage` events if it is missing, otherwise not at all. */
import type { Platform, TabMessage } from './coordination.ts'
import { parseJson } from './errors.ts'
import { randomId } from './random-id.ts'

export interface Channel {
  tell(message: TabMessage): void
  /** @returns stops listening */
  listen(hear: (message: TabMessage) => void): () => void
  /** Whether another tab has sent a message that has not arrived here yet. */
  isBehind(): boolean
  close(): void
}

type Envelope = { readonly id: string; readonly message: TabMessage }

/**
 * localStorage has the id of the last message. It is read at once, where a message takes its time, so a
 * tab knows whether there is one on its way.
 */
export function createChannel(name: string, platform: Platform): Channel {
  const listeners = new Set<(message: TabMessage) => void>()
  const key = `${name} news`
  const lastMessage = createLastMessage(key, platform.storage)
  let lastHeard = lastMessage.read()
  const hear = ({ id, message }: Envelope) => {
    if (message.type !== 'ask') lastHeard = id
    for (const listener of listeners) listener(message)
  }

  let channel: BroadcastChannel | undefined
  const open = () => {
    if (channel || !platform.BroadcastChannel) return
    channel = new platform.BroadcastChannel(name)
    channel.addEventListener('message', ({ data }: MessageEvent<Envelope>) => hear(data))
    // In Node an open channel keeps the program running.
    ;(channel as { unref?: () => void }).unref?.()
  }
  const hearStorage = (event: Event) => {
    const { key: changed, newValue } = event as StorageEvent
    const envelope = changed === key && newValue ? parseEnvelope(newValue) : undefined
    if (envelope) hear(envelope)
  }
  const usesStorage = !platform.BroadcastChannel && platform.storage !== undefined

  if (usesStorage) platform.events?.addEventListener('storage', hearStorage)
  open()

  return {
    tell: (message) => {
      const envelope = { id: randomId(), message }
      if (message.type !== 'ask') {
        lastHeard = envelope.id
        lastMessage.write(envelope)
      }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window: it has its own origin only
      channel?.postMessage(envelope)
    },
    listen: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    // Without tokens on the way there is nothing to wait for.
    isBehind: () => {
      const last = lastMessage.read()
      return channel !== undefined && last !== undefined && last !== lastHeard
    },
    close: () => {
      listeners.clear()
      channel?.close()
      channel = undefined
      platform.events?.removeEventListener('storage', hearStorage)
    },
  }
}

function createLastMessage(key: string, storage: Platform['storage']) {
  return {
    /** Its id. */
    read: (): string | undefined => parseEnvelope(storage?.getItem(key) ?? '')?.id,
    write: ({ id, message }: Envelope) => {
      try {
        storage?.setItem(key, JSON.stringify({ id, message: withoutTokens(message) }))
      } catch {
        // The storage is full: a tab then learns of it from the server.
      }
    },
  }
}

function parseEnvelope(text: string): Envelope | undefined {
  return parseJson(text) as Envelope | undefined
}

/** What is in localStorage is on the disk. */
function withoutTokens(message: TabMessage): TabMessage {
  return message.type === 'session' ? { type: message.type, cause: message.cause } : message
}
