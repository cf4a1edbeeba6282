// The account page where the network fails in the middle of something: what was done is told, and nothing else is.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { open, openBrowserOf, press, seeView, startWithProviders } from '../support/account-page.ts'

const ada = { sub: 'ada', name: 'Ada Lovelace', email: 'ada@example.com' }
const allowed = [/^console: .*ERR_FAILED/]

/** Requests of one operation do not reach the server. */
async function cut(
  page: Page,
  field: string,
): Promise<{ count: number; mend: () => Promise<void> }> {
  const requests = {
    count: 0,
    mend: () => page.unroute('**/graphql'),
  }
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes(field) !== true) return route.continue()
    requests.count += 1
    return route.abort()
  })
  return requests
}

describe('a sign-in with a provider', () => {
  it('is tried once, and once more when the person says so', async () => {
    const server = await startWithProviders([ada])
    const page = await open(await openBrowserOf(ada, { allowed }), server)
    await page.getByRole('button', { name: 'Continue with Acme' }).waitFor()
    const requests = await cut(page, 'loginWithProvider')
    await press(page, 'Continue with Acme')
    await seeView(page, 'No connection')
    // Each of these takes as long as an attempt would.
    for (let answer = 0; answer < 20; answer += 1) {
      await page.evaluate(() => fetch('/health/live').then((response) => response.text()))
    }
    expect(requests.count).toBe(1)
    await requests.mend()
    await press(page, 'Try again')
    await seeView(page, 'Your account')
  })
})
