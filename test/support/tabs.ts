/** A browser as far as the client of a front end sees it: tabs that share cookies, storage, locks and messages. */
import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import {
  createAuthClient,
  createCoordination,
  type AuthClient,
  type AuthClientOptions,
  type Platform,
} from '../../client/index.ts'
import type { TestServer } from './server.ts'

/** One request, as it was sent and before it is answered. */
export interface Sent {
  readonly url: string
  readonly operation: string
  readonly authorization: string | null
  readonly body: string
  /** Whether it continues when the page is closed. */
  readonly keepalive: boolean
}

export interface Browser {
  /** Its own, without any token. */
  readonly fetch: typeof fetch
  /** Opens a tab. */
  open(options?: Partial<AuthClientOptions>): AuthClient
  /** The operations that were sent, by name, in order. */
  readonly sent: Sent[]
  names(): string[]
  count(operation: string): number
  /** What is between the browser and the server: throws or responses in the server's place, or passes on. */
  network: (sent: Sent, pass: () => Promise<Response>) => Promise<Response>
  cookie: string
  readonly storage: Map<string, string>
}

/** @param parts what the browser lacks is `undefined` */
export function createBrowser(server: TestServer, parts: Partial<Platform> = {}): Browser {
  const scope = `test ${randomUUID()}`
  const storage = new Map<string, string>()
  const tabs = new Set<EventTarget>()
  const origin = new URL(server.url).origin

  const browser: Browser = {
    fetch: (...call) => browserFetch(...call),
    sent: [],
    names: () => browser.sent.map(({ operation }) => operation),
    count: (operation) => browser.names().filter((name) => name === operation).length,
    network: (_sent, pass) => pass(),
    cookie: '',
    storage,
    open: (options = {}) => {
      const events = new EventTarget()
      tabs.add(events)
      const platform: Platform = {
        locks: navigator.locks,
        BroadcastChannel,
        storage: sharedStorage(events),
        events,
        ...parts,
      }
      const auth = createAuthClient({
        url: `${server.url}/graphql`,
        fetch: browserFetch,
        clock: server.now,
        coordination: createCoordination(scope, platform),
        ...options,
      })
      onTestFinished(() => {
        tabs.delete(events)
        auth.close()
      })
      return auth
    },
  }

  /** Node's own fetch, with the cookies that a browser keeps. */
  const browserFetch: typeof fetch = async (input, init = {}) => {
    const request = new Request(input, init)
    const body = await request.clone().text()
    const headers = new Headers(request.headers)
    headers.set('origin', origin)
    headers.set('sec-fetch-site', 'same-origin')
    if (init.credentials === 'include' && browser.cookie !== '') {
      headers.set('cookie', browser.cookie)
    }
    const parsed = body === '' ? {} : (JSON.parse(body) as { operationName?: string })
    const sent = {
      url: request.url,
      operation: parsed.operationName ?? '',
      authorization: headers.get('authorization'),
      body,
      keepalive: request.keepalive,
    }
    browser.sent.push(sent)
    const answer = browser.network(sent, async () => {
      const response = await fetch(request.url, {
        method: request.method,
        headers,
        ...(body !== '' && { body }),
        signal: request.signal,
      })
      const [pair] = response.headers.getSetCookie().map((header) => header.split(';')[0]!)
      if (pair !== undefined && init.credentials === 'include') {
        browser.cookie = pair.endsWith('=') ? '' : pair
      }
      return response
    })
    // Whatever stands between: who gives up hears no more of it.
    return new Promise((resolve, reject) => {
      const stop = () => reject(request.signal.reason as Error)
      if (request.signal.aborted) stop()
      request.signal.addEventListener('abort', stop)
      answer.then(resolve, reject)
    })
  }

  /** localStorage, whose events reach every tab but the one that writes. */
  function sharedStorage(own: EventTarget): NonNullable<Platform['storage']> {
    const changed = (key: string, newValue: string | null) => {
      for (const tab of tabs) {
        if (tab !== own) tab.dispatchEvent(Object.assign(new Event('storage'), { key, newValue }))
      }
    }
    return {
      getItem: (key) => storage.get(key) ?? null,
      setItem: (key, value) => {
        storage.set(key, value)
        changed(key, value)
      },
      removeItem: (key) => {
        storage.delete(key)
        changed(key, null)
      },
    }
  }

  return browser
}
