/** How the tabs of a browser, which share one session, keep out of each other's way. */
import type { PersonFragment } from './generated/operations.ts'
import { createChannel, type Channel } from './channel.ts'
import { createLock, type Lock } from './lock.ts'
import type { SignedOutReason } from './session.ts'

/** Messages from one tab to the others. They are of the same origin; no one else hears it. */
export type TabMessage =
  | {
      readonly type: 'session'
      /** `answer`: to one that asked. */
      readonly cause: 'signIn' | 'renewal' | 'answer'
      /** Absent if the channel would store it on disk: the other tabs then refresh by themselves. */
      readonly session?: SharedSession
    }
  | {
      readonly type: 'signedOut'
      readonly sessionId: string | undefined
      readonly reason: SignedOutReason
    }
  /** The server refused the refresh token of a tab that holds no session: check the one that you hold. */
  | { readonly type: 'check'; readonly reason: SignedOutReason | undefined }
  /** A request for a valid access token, if another tab has one. */
  | { readonly type: 'ask' }

/** A session as far as tabs share it: the refresh token is in the cookie, or in the app's store. */
export interface SharedSession {
  readonly accessToken: string
  readonly expiresAt: number
  readonly lifetimeSeconds: number | undefined
  readonly user: PersonFragment
}

export interface Coordination {
  /**
   * Runs a task while no other tab runs one, as far as the platform can hold that. When it starts, what
   * the one before has told was heard.
   */
  exclusive<T>(task: () => Promise<T>): Promise<T>
  tell(message: TabMessage): void
  /** @returns stops listening */
  listen(hear: (message: TabMessage) => void): () => void
  close(): void
}

/** What a browser has for it; each may be missing. */
export interface Platform {
  readonly locks?: Pick<LockManager, 'request'> | undefined
  readonly BroadcastChannel?: typeof BroadcastChannel | undefined
  readonly storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined
  /** Where `storage` events arrive. */
  readonly events?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> | undefined
}

/** How long to wait for another tab's response: a message takes a few milliseconds. */
const answerMilliseconds = 250

/** @param name the same in all the tabs that share the session */
export function createCoordination(
  name: string,
  platform: Platform = browserPlatform(),
): Coordination {
  const lock = createLock(name, platform)
  const channel = createChannel(name, platform)
  return {
    exclusive: (task) => exclusive(lock, channel, task),
    tell: (message) => channel.tell(message),
    listen: (hear) => channel.listen(hear),
    close: () => channel.close(),
  }
}

/** For programs without tabs, and where each client has a session of its own. */
export function createLocalCoordination(): Coordination {
  const lock = createLock('', {})
  return {
    exclusive: (task) => lock(() => task()),
    tell: () => undefined,
    listen: () => () => undefined,
    close: () => undefined,
  }
}

function exclusive<T>(lock: Lock, channel: Channel, task: () => Promise<T>): Promise<T> {
  let hasHeard = false
  const stop = channel.listen(({ type }) => {
    if (type !== 'ask') hasHeard = true
  })
  return lock(async (hasWaited) => {
    // The lock may arrive before the message of the tab that had it, for which all this waiting was.
    if ((hasWaited || channel.isBehind()) && !hasHeard) await catchUp(channel)
    stop()
    return task()
  }).finally(stop)
}

function catchUp(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      stop()
      resolve()
    }
    const timer = setTimeout(done, answerMilliseconds)
    const stop = channel.listen(({ type }) => {
      if (type !== 'ask') done()
    })
    channel.tell({ type: 'ask' })
  })
}

/** Whether there are tabs at all. Node has locks and channels too, shared by all that one process serves. */
export function isBrowser(): boolean {
  return 'document' in globalThis
}

export function browserPlatform(): Platform {
  const { navigator, BroadcastChannel } = globalThis as Partial<typeof globalThis>
  return {
    // Absent if the page is not served over https.
    locks: navigator?.locks,
    BroadcastChannel,
    storage: readStorage('localStorage'),
    events: globalThis,
  }
}

/**
 * Undefined outside browsers: Node has storage too, one for all that a program serves. If a user has
 * forbidden storage, reading the property throws.
 */
export function readStorage(name: 'localStorage' | 'sessionStorage'): Storage | undefined {
  try {
    return isBrowser() ? (globalThis as Partial<typeof globalThis>)[name] : undefined
  } catch {
    return undefined
  }
}
