// The browser's part of docs/guides/server-rendering.md: the page, taken over where it was rendered.
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { expect, it, onTestFinished } from 'vitest'
import { createRenderer } from '../../docs/guides/server-rendering/server.tsx'
import { openBrowser } from '../support/browser.ts'
import { startServer } from '../support/server.ts'

it('a rendered page is taken over, ends another device, and shows the form when its own session ends', async () => {
  const latchkey = await startServer({ TRUST_PROXY: '1' })
  const { outputFiles } = await build({
    entryPoints: ['docs/guides/server-rendering/browser.tsx'],
    alias: { 'latchkey/client': './client/index.ts' },
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    write: false,
  })
  const renderer = createRenderer({
    url: `${latchkey.url}/graphql`,
    isSecure: false,
    script: outputFiles[0]!.text,
  })
  await new Promise<void>((resolve) => renderer.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    renderer.closeAllConnections()
    renderer.close()
  })
  const { email, password, accessToken } = await latchkey.client.register()
  const phone = latchkey.client.as(accessToken)

  const browser = await openBrowser({ allowed: [/status of (401|404)/] })
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${(renderer.address() as AddressInfo).port}/`)
  await page.locator('[name=email]').fill(email)
  await page.locator('[name=password]').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText(`Hello, ${email}!`).waitFor()
  const devices = page.getByRole('listitem')
  await expect.poll(() => devices.count()).toBe(2)
  await devices.getByRole('button', { name: 'Sign out' }).click()
  await expect.poll(() => devices.count()).toBe(1)
  expect((await phone.send('{ protected }')).reason).toBe('SESSION_ENDED')

  const other = await latchkey.client.login(email, password)
  await page.reload()
  await expect.poll(() => devices.count()).toBe(2)
  await latchkey.client.as(other.data.login.accessToken).send('mutation { logout(scope: OTHERS) }')
  await devices.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
})
