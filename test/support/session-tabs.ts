/** Real tabs with the client of a front end in them, at the server's own origin, and the network between. */
import { build } from 'esbuild'
import type { BrowserContext, Page, Route } from 'playwright-core'
import { openBrowser, type BrowserOptions } from './browser.ts'
import type { TestServer } from './server.ts'
import type { SessionPage } from './session-page.ts'

export interface Tab extends Page {
  readonly read: SessionPage['read']
  who(): Promise<string>
}

export interface SessionBrowser {
  readonly context: BrowserContext
  /** Opens a tab, and waits until it knows who is signed in. */
  open(): Promise<Tab>
  /** What the tabs have sent, by the names of the operations. */
  readonly sent: string[]
  /** Passes time: for the server, and for every tab at the same moment. */
  pass(seconds: number): Promise<void>
  /** In the place of the network, for operations of this name; undefined: the network itself. */
  disturb(operation: string, disturbance: Disturbance | undefined): Promise<void>
}

/** `cut`: nothing reaches the server. `lost`: the server does it, and the response does not arrive. */
export type Disturbance = 'cut' | 'lost' | ((route: Route) => Promise<void>)

/** What a browser may lack. */
export type Missing = 'locks' | 'BroadcastChannel' | 'localStorage'

const path = '/session-page'
let script: Promise<string> | undefined

export async function openSessionBrowser(
  server: TestServer,
  {
    missing = [],
    url = server.url,
    ...options
  }: BrowserOptions & {
    readonly missing?: readonly Missing[]
    /** The server's address, where the tabs have another one for it. */
    readonly url?: string
  } = {},
): Promise<SessionBrowser> {
  const context = await openBrowser({ ...options, bypassCSP: url !== server.url })
  const html = `<!doctype html><title>Session</title><link rel="icon" href="data:,"><script type="module">${await (script ??= bundle())}</script>`
  await context.clock.install()
  await context.addInitScript((names) => {
    if (names.includes('locks')) Object.defineProperty(navigator, 'locks', { value: undefined })
    if (names.includes('BroadcastChannel'))
      Object.defineProperty(window, 'BroadcastChannel', { value: undefined })
    if (names.includes('localStorage')) {
      Object.defineProperty(window, 'localStorage', {
        get: () => {
          throw new DOMException('It is forbidden.', 'SecurityError')
        },
      })
    }
  }, missing)
  const disturbances = new Map<string, Disturbance>()
  await context.route(`${url}${path}`, (route) =>
    route.fulfill({ contentType: 'text/html', body: html }),
  )
  const sent: string[] = []
  context.on('request', (request) => {
    if (request.url() === `${url}/graphql`) sent.push(operationOf(request.postDataJSON()))
  })
  const tabs: Tab[] = []
  return {
    context,
    sent,
    open: async () => {
      const page = await context.newPage()
      const tab = Object.assign(page, {
        who: () => page.evaluate(() => window.page.who()),
        read: () => page.evaluate(() => window.page.read()),
      })
      if (url === server.url) await page.goto(url + path)
      else {
        // Of a page that did not come from there, Chromium keeps requests to this machine back.
        await page.goto(`${url}/health/live`)
        await page.setContent(html)
        await page.waitForFunction(() => 'page' in window)
      }
      await page.evaluate(async () => void (await window.page.auth.start()))
      tabs.push(tab)
      return tab
    },
    pass: async (seconds) => {
      server.advance(seconds)
      await context.clock.fastForward(seconds * 1000)
    },
    disturb: async (operation, disturbance) => {
      if (disturbances.size === 0) {
        await context.route(`${url}/graphql`, (route) => {
          const found = disturbances.get(operationOf(route.request().postDataJSON()))
          return handle(route, found)
        })
      }
      if (disturbance === undefined) disturbances.delete(operation)
      else disturbances.set(operation, disturbance)
    },
  }
}

function operationOf(body: unknown): string {
  return (body as { operationName?: string } | null)?.operationName ?? ''
}

async function handle(route: Route, disturbance: Disturbance | undefined): Promise<void> {
  if (disturbance === undefined) return route.continue()
  if (disturbance === 'lost') {
    // Past the browser: what the response sets must be lost with it.
    const request = route.request()
    await fetch(request.url(), {
      method: 'POST',
      headers: await request.allHeaders(),
      body: request.postData(),
    })
  }
  if (disturbance === 'lost' || disturbance === 'cut') return route.abort('connectionreset')
  return disturbance(route)
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['test/support/session-page.ts'],
    bundle: true,
    format: 'esm',
    write: false,
  })
  return outputFiles[0]!.text.replaceAll('</script', String.raw`<\/script`)
}
