import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifactPath, openBrowser } from '../support/browser.ts'
import { startServer, type TestServer } from '../support/server.ts'

const apollo = 'https://sandbox.embed.apollographql.com'
/** Asked for by Apollo's package, whatever icon the page has. */
const icon = /404 .*\/favicon\.ico/

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe('Apollo Sandbox at /graphql, with a stand-in for Apollo’s frame', () => {
  it('gives Apollo the operations, the place for the token, and this server', async () => {
    const browser = await openBrowser({ allowed: [icon] })
    await standInForApollo(browser)
    const page = await browser.newPage()
    await page.goto(`${server.url}/graphql`)
    await page.locator('iframe').waitFor()
    const address = new URL(
      await page.locator('iframe').evaluate(({ src }: HTMLIFrameElement) => src),
    )
    expect(address.origin + address.pathname).toBe(`${apollo}/sandbox/explorer`)
    const asked = Object.fromEntries(address.searchParams)
    expect(asked['defaultDocument']).toMatch(/mutation Register\([^]*fragment SignedIn on/)
    expect(JSON.parse(asked['defaultVariables']!)).toMatchObject({
      email: expect.stringMatching(/^ada\.[\da-f]{8}@example\.com$/),
    })
    expect(JSON.parse(asked['defaultHeaders']!)).toEqual({ authorization: 'Bearer ' })
    expect(asked).toMatchObject({
      endpoint: `${server.url}/graphql`,
      endpointIsEditable: 'false',
      defaultIncludeCookies: 'true',
      hideCookieToggle: 'false',
      runTelemetry: 'false',
    })
    expect(await page.getByText('cannot be reached').isVisible()).toBe(false)
  })

  it('sends what the frame asks for to this server only, with token and cookie', async () => {
    const browser = await openBrowser({ allowed: [icon] })
    await standInForApollo(browser)
    const page = await browser.newPage()
    await page.goto(`${server.url}/graphql`)
    const frame = page.frameLocator('iframe').locator('body')
    const ask = (operation: string, headers: Record<string, string> = {}) =>
      frame.evaluate((_body, request) => (window as unknown as StandIn).ask(request), {
        operation,
        headers,
        // Not what the page was made for.
        endpointUrl: 'https://example.com/graphql',
        includeCookies: true,
      })
    const registered = await ask(
      'mutation { register(email: "cookie@example.com", password: "correct horse battery", transport: COOKIE) { accessToken refreshToken } }',
    )
    const { accessToken, refreshToken } = registered.data.register
    expect(refreshToken).toBeNull()
    const me = await ask('{ me { email } }', { authorization: `Bearer ${accessToken}` })
    expect(me.data).toEqual({ me: { email: 'cookie@example.com' } })
    const refreshed = await ask('mutation { refreshToken { user { email } } }')
    expect(refreshed.data).toEqual({ refreshToken: { user: { email: 'cookie@example.com' } } })
  })

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('says that Apollo cannot be reached, and leads to GraphiQL (%s)', async (...look) => {
    const [colorScheme, width] = look
    const browser = await openBrowser({
      expected: [/ERR_NAME_NOT_RESOLVED.*sandbox\.embed/],
      allowed: [icon],
      colorScheme,
      viewport: { width, height: 740 },
    })
    const page = await browser.newPage()
    await page.goto(`${server.url}/graphql`)
    await page.getByRole('heading', { name: 'Apollo Sandbox cannot be reached' }).waitFor()
    expect(await page.locator('iframe').isVisible()).toBe(false)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    await page.screenshot({ path: artifactPath(`unreachable-${colorScheme}-${width}.png`) })
    await page.getByRole('link', { name: 'Open GraphiQL' }).click()
    await editor(page, 'Operation').getByText('Register').first().waitFor()
    expect(page.url()).toBe(`${server.url}/graphiql`)
  })

  it('says so, too, of an Apollo that never answers, and takes it back for a late response', async () => {
    const browser = await openBrowser({ allowed: [icon] })
    const answer = await standInForApollo(browser, 'late')
    const page = await browser.newPage()
    await page.clock.install()
    // Else it continues, and the page loses patience while it is being looked at.
    await page.clock.pauseAt(Date.now() + 3_600_000)
    await page.goto(`${server.url}/graphql`, { waitUntil: 'domcontentloaded' })
    await page.getByText('Loading Apollo Sandbox…').waitFor()
    await page.clock.fastForward(9000)
    expect(await page.getByText('cannot be reached').isVisible()).toBe(false)
    await page.clock.fastForward(1000)
    await page.getByText('cannot be reached').waitFor()
    answer()
    await page.locator('iframe').waitFor()
    await page.getByText('cannot be reached').waitFor({ state: 'hidden' })
  })
})

describe('GraphiQL at /graphiql', () => {
  it('runs Register, then Me with the token in the headers', async () => {
    const page = await openGraphiql()
    // Which address Register takes is to be seen, and to be changed.
    await editor(page, 'Variables').getByText('@example.com').waitFor()
    const { register } = await run(page, 'Register')
    await page.getByRole('button', { name: 'Headers' }).click()
    await fill(page, 'Headers', JSON.stringify({ authorization: `Bearer ${register.accessToken}` }))
    const { me } = await run(page, 'Me')
    expect(me).toMatchObject({ id: register.user.id, email: register.user.email, name: 'Ada' })
    await page.locator('.result-window').getByText(register.user.email).waitFor()
    await page.screenshot({ path: artifactPath('graphiql.png') })
  })

  it('sends the cookie that a sign-in has set', async () => {
    const page = await openGraphiql()
    const { email, password } = await server.client.register()
    await page.getByRole('button', { name: 'Variables' }).click()
    await fill(page, 'Variables', JSON.stringify({ email, password }))
    const { login } = await run(page, 'LoginWithCookie')
    expect(login.refreshToken).toBeNull()
    expect((await run(page, 'RefreshToken')).refreshToken.user.email).toBe(email)
  })

  it('shows the descriptions of the schema', async () => {
    const page = await openGraphiql('dark')
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
    await page.getByRole('link', { name: 'Query', exact: true }).click()
    await expect
      .poll(() => page.locator('.graphiql-plugin').textContent())
      .toContain('The signed-in user.')
    await page.screenshot({ path: artifactPath('graphiql-dark.png') })
  })

  it('keeps what was typed over a reload, but neither the token nor anything in another tab', async () => {
    const page = await openGraphiql()
    await page.getByRole('button', { name: 'Variables' }).click()
    await fill(page, 'Variables', JSON.stringify({ password: 'a secret of mine' }))
    await page.getByRole('button', { name: 'Headers' }).click()
    await fill(page, 'Headers', JSON.stringify({ authorization: 'Bearer mine' }))
    await expect
      .poll(() => page.evaluate(() => JSON.stringify(sessionStorage)))
      .toContain('a secret of mine')
    await page.reload()
    await page.getByRole('button', { name: 'Variables' }).click()
    await editor(page, 'Variables').getByText('a secret of mine').waitFor()
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('Bearer mine')
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain('secret')

    const other = await page.context().newPage()
    await other.goto(page.url())
    await other.getByRole('button', { name: 'Variables' }).click()
    await editor(other, 'Variables').getByText('correct horse battery').first().waitFor()
  })
})

interface StandIn {
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read what they asked for
  ask(request: object): Promise<{ data: any }>
}

/**
 * What Apollo has behind its address, as far as the page around it can tell: a greeting, and requests.
 * @returns lets it come alive, where it is late
 */
async function standInForApollo(browser: BrowserContext, when: 'at once' | 'late' = 'at once') {
  const alive = Promise.withResolvers<void>()
  if (when === 'at once') alive.resolve()
  await browser.route(`${apollo}/**`, async (route) => {
    await alive.promise
    await route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><title>Apollo</title><body><script>
        parent.postMessage({ name: 'ExplorerListeningForHandshake' }, '*')
        let count = 0
        window.ask = (request) => new Promise((resolve) => {
          const operationId = String(++count)
          addEventListener('message', ({ data }) => {
            if (data.name === 'ExplorerResponse' && data.operationId === operationId) resolve(data.response)
          })
          parent.postMessage({ name: 'ExplorerRequest', operationId, ...request }, '*')
        })
      </script>`,
    })
  })
  return () => alive.resolve()
}

async function openGraphiql(colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
  const browser = await openBrowser({ colorScheme, viewport: { width: 1360, height: 860 } })
  const page = await browser.newPage()
  await page.goto(`${server.url}/graphiql`)
  await editor(page, 'Operation').getByText('Register').first().waitFor()
  return page
}

function editor(page: Page, name: 'Operation' | 'Variables' | 'Headers') {
  return page.locator(
    {
      Operation: '.graphiql-query-editor',
      Variables: '[aria-label="Variables"]',
      Headers: '[aria-label="Headers"]',
    }[name],
  )
}

async function fill(page: Page, name: 'Variables' | 'Headers', text: string): Promise<void> {
  await editor(page, name).click()
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.insertText(text)
  // The editor has closed the brackets that the text closes, too.
  await page.keyboard.press('ControlOrMeta+Shift+End')
  await page.keyboard.press('Delete')
}

/** Chooses one of the operations in the menu of the button that runs them. */
async function run(page: Page, name: string) {
  await page.getByRole('button', { name: /^Execute/ }).click()
  const [response] = await Promise.all([
    page.waitForResponse((answer) => answer.request().postDataJSON()?.operationName === name),
    page.getByRole('menuitem', { name, exact: true }).click(),
  ])
  return (await response.json()).data
}
