/** A real Chromium for a test: a fresh browser, with cookies and storage of its own, and no way to the internet. */
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from 'playwright-core'
import { expect, inject, onTestFinished } from 'vitest'
import { atEndOfFile } from './at-end-of-file.ts'
import { launchOptions } from './chromium.ts'

export interface BrowserOptions extends BrowserContextOptions {
  /**
   * Problems that must show: what violates a content security policy, errors that no one catches, and
   * what the console has as an error. A test fails on every other one.
   */
  readonly expected?: readonly RegExp[]
  /** Problems that may show. */
  readonly allowed?: readonly RegExp[]
}

/** A name of this machine that browsers do not take for it: over plain http it is not a secure context. */
export const plainHost = 'lan.test'
const loopback = ['localhost', '*.localhost', '127.0.0.1', '[::1]']
// A closed network; page.route, unlike this, would also turn the HTTP cache off.
const closedNetwork = `--host-resolver-rules=MAP ${plainHost} 127.0.0.1, MAP * ~NOTFOUND, ${loopback.map((host) => `EXCLUDE ${host}`).join(', ')}`
const actionTimeoutMilliseconds = 20_000

let launched: Promise<Browser> | undefined

function launch(): Promise<Browser> {
  if (launched === undefined) {
    const options = launchOptions(inject('chromium')!)
    launched = chromium.launch({ ...options, args: [...options.args, closedNetwork] })
    atEndOfFile(async () => {
      await (await launched)?.close()
      launched = undefined
    })
  }
  return launched
}

/**
 * A browser of its own: its pages share cookies and storage, another `openBrowser` does not. It is closed
 * with the test, which fails if there was a problem in it that the test does not expect; a test that fails
 * leaves a trace and pictures in artifacts/.
 */
export async function openBrowser(options: BrowserOptions = {}): Promise<BrowserContext> {
  const { context, judge } = await openWatchedBrowser(options)
  onTestFinished(async ({ task }) => {
    const { missing, unexpected } = judge()
    const hasFailed =
      task.fails !== true &&
      (task.result?.state === 'fail' || unexpected.length + missing.length > 0)
    if (hasFailed) await keepArtifacts(context, task.name)
    await context.close()
    expect(unexpected, 'problems in the browser').toEqual([])
    expect(missing, 'expected problems that did not show').toEqual([])
  })
  return context
}

/**
 * The same, which its caller closes.
 * @returns `judge`: the problems that are not expected, and the expected ones that did not show
 */
export async function openWatchedBrowser(options: BrowserOptions = {}) {
  const { allowed = [], expected = [], ...contextOptions } = options
  const context = await (await launch()).newContext(contextOptions)
  const problems: string[] = []
  context.setDefaultTimeout(actionTimeoutMilliseconds)
  await collectProblems(context, (problem) => problems.push(problem))
  await context.tracing.start({ snapshots: true })
  const judge = () => ({
    unexpected: problems.filter(
      (problem) => ![...expected, ...allowed].some((pattern) => pattern.test(problem)),
    ),
    missing: expected.filter((pattern) => !problems.some((text) => pattern.test(text))),
  })
  return { context, judge }
}

/** The timers of a page that is opened next stand still: it tries nothing again by itself. */
export async function stopTimers(page: Page): Promise<void> {
  await page.clock.install()
  await page.clock.pauseAt(Date.now() + 3_600_000)
}

/**
 * Presses "Try again" on a page whose timers stand still, and lets them continue when the next view is there.
 * By the clock it is later: what is asked for soon after a failure shares it.
 */
export async function tryAgain(page: Page, next: Locator): Promise<void> {
  await page.clock.setSystemTime(Date.now() + 2 * 3_600_000)
  await page.getByRole('button', { name: 'Try again' }).click()
  await next.waitFor()
  await page.clock.resume()
}

async function collectProblems(context: BrowserContext, add: (problem: string) => void) {
  context.on('weberror', (error) => add(`error: ${error.error().stack ?? error.error()}`))
  context.on('console', (message) => {
    if (message.type() === 'error') add(`console: ${message.text()} (${message.location().url})`)
  })
  context.on('page', (page) => page.on('crash', () => add(`crash: ${page.url()}`)))
  // Not each of them is in the console: what a policy forbids to `eval`, for example.
  await context.exposeBinding('__violation', (_source, text: string) => add(text))
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { blockedURI, documentURI, effectiveDirective, sample, sourceFile } = event
      const report = (window as unknown as { __violation: (text: string) => void }).__violation
      report(
        `violation: ${effectiveDirective} forbids ${blockedURI} in ${documentURI} (${sourceFile} ${sample})`,
      )
    })
  })
}

async function keepArtifacts(context: BrowserContext, testName: string): Promise<void> {
  const name = testName.replaceAll(/[^\w]+/g, '-').slice(0, 80)
  for (const [index, page] of context.pages().entries()) {
    // A page that hangs, or is about to close, has no picture.
    await page
      .screenshot({ path: artifactPath(`${name}-${index + 1}.png`), timeout: 5000 })
      .catch(() => {})
  }
  await context.tracing.stop({ path: artifactPath(`${name}.trace.zip`) })
}

/** Where a file goes that CI keeps: in a git-ignored folder, by the name of the running test file. */
export function artifactPath(name: string): string {
  const folder = join('artifacts', basename(expect.getState().testPath!, '.test.ts'))
  mkdirSync(folder, { recursive: true })
  return join(folder, name)
}
