// The page of docs/guides/front-ends.md, bundled and opened.
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { openBrowser, stopTimers, tryAgain } from '../support/browser.ts'
import { startServer } from '../support/server.ts'

it('the React page offers to try again, signs in, says what is wrong, and ends another device', async () => {
  const server = await startServer()
  const { outputFiles } = await build({
    entryPoints: ['docs/guides/front-ends/main.tsx'],
    alias: {
      'latchkey/client': './client/index.ts',
      'latchkey/client/react': './client/react.ts',
      'latchkey/client/apollo': './client/apollo.ts',
    },
    define: { 'process.env.NODE_ENV': '"production"' },
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    write: false,
  })
  const script = outputFiles[0]!.text
    .replaceAll('http://localhost:4000/graphql', `${server.url}/graphql`)
    .replaceAll('</script', String.raw`<\/script`)
  const { email, password, accessToken } = await server.client.register()
  const browser = await openBrowser({ allowed: [/ERR_FAILED/, /status of 401/] })
  const url = `${server.url}/app`
  await browser.route(url, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><title>App</title><link rel="icon" href="data:,"><div id="root"></div><script type="module">${script}</script>`,
    }),
  )
  const page = await browser.newPage()
  await stopTimers(page)
  await page.route('**/graphql', (route) => route.abort())
  await page.goto(url)
  await page.getByText('The server cannot be reached.').waitFor()
  await page.unroute('**/graphql')
  await tryAgain(page, page.locator('[name=email]'))
  await page.locator('[name=email]').fill(email)
  await page.locator('[name=password]').fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Wrong e-mail or password.').waitFor()
  await page.locator('[name=password]').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Hello,').waitFor()
  const devices = page.getByRole('listitem')
  await expect.poll(() => devices.count()).toBe(2)
  await devices.getByRole('button', { name: 'Sign out' }).click()
  await expect.poll(() => devices.count()).toBe(1)
  expect((await server.client.as(accessToken).send('{ protected }')).reason).toBe('SESSION_ENDED')
})
