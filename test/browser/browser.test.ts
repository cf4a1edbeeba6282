/** What the tests in this folder rely on: they notice what goes wrong in a page, and reach no one. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBrowser, openWatchedBrowser } from '../support/browser.ts'

const policy = "default-src 'self'"
const problems: [problem: string, body: string, shown: RegExp][] = [
  ['an inline script', '<script>1</script>', /^violation: script-src-elem forbids inline/],
  ['an inline style', '<p style="color: red">', /^violation: style-src-attr forbids inline/],
  [
    'a script from elsewhere',
    '<script src="http://127.0.0.1:9/x.js"></script>',
    /^violation: script-src-elem forbids http:\/\/127\.0\.0\.1:9\/x\.js/,
  ],
  ['code out of text', '<script src="/eval.js"></script>', /^violation: script-src forbids eval/],
  ['an error that nobody catches', '<script src="/throw.js"></script>', /^error: .*oh/],
  [
    'an error in the console',
    '<script src="/console.js"></script>',
    /^console: oh \(http.*\/console/,
  ],
  ['what is not there', '<img src="/absent">', /^console: .*404.*\/absent/],
]

describe('a page in the browser', () => {
  it.each(problems)('is seen to have %s', async (_problem, body, shown) => {
    // The same problem is said twice where the console has it too.
    const browser = await openBrowser({ expected: [shown], allowed: [/./] })
    expect(await visit(body, browser)).toBe(200)
  })

  it.each(problems)('is found at fault for %s', async (_problem, body, shown) => {
    const { context, judge } = await openWatchedBrowser()
    onTestFinished(() => context.close())
    expect(await visit(body, context)).toBe(200)
    expect(judge().unexpected).toContainEqual(expect.stringMatching(shown))
  })

  it('is found at fault for a problem that is expected and does not show', async () => {
    const { context, judge } = await openWatchedBrowser({ expected: [/^violation/] })
    onTestFinished(() => context.close())
    expect(await visit('<p>Hello', context)).toBe(200)
    expect(judge()).toEqual({ missing: [/^violation/], unexpected: [] })
  })

  describe('with a problem', () => {
    let isVisited = false
    it.fails('fails its test', async () => {
      expect(await visit('<script>1</script>')).toBe(200)
      isVisited = true
    })
    // Else any failure would do, also that of a browser that does not start.
    it('fails its test after the last line of it', () => expect(isVisited).toBe(true))
  })

  it.each(['http://example.com/', 'http://192.0.2.1/', 'https://cdn.apollographql.com/'])(
    'cannot reach %s',
    async (url) => {
      const page = await (await openBrowser()).newPage()
      await expect(page.goto(url)).rejects.toThrow('ERR_NAME_NOT_RESOLVED')
    },
  )

  it('shares cookies with the other pages of its browser only', async () => {
    const url = await serve('<p>Hello')
    const [mine, theirs] = [await openBrowser(), await openBrowser()]
    const page = await mine.newPage()
    await page.goto(url)
    await page.evaluate(() => void (document.cookie = 'a=1'))
    for (const [browser, cookie] of [[mine, 'a=1'] as const, [theirs, ''] as const]) {
      const other = await browser.newPage()
      await other.goto(url)
      expect(await other.evaluate(() => document.cookie)).toBe(cookie)
    }
  })
})

async function visit(body: string, browser?: BrowserContext): Promise<number> {
  const page = await (browser ?? (await openBrowser())).newPage()
  const response = await page.goto(await serve(body))
  // A violation is told after the page has loaded.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
  return response!.status()
}

const scripts: Record<string, string> = {
  '/eval.js': 'try { eval("1") } catch {}',
  '/throw.js': 'throw new Error("oh")',
  '/console.js': 'console.error("oh")',
}

/** A page under a policy that allows its own origin only. */
async function serve(body: string): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const script = scripts[url]
    response.setHeader('content-security-policy', policy)
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    if (url === '/favicon.ico') response.writeHead(204).end()
    else if (url === '/absent') response.writeHead(404).end()
    else response.end(script ?? `<!doctype html><title>Test</title>${body}`)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
