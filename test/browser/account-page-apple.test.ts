// Apple posts its response as a form, from its own site: no page can read it, and no cookie comes with it.
import { generateKeyPairSync } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { notice, open, press, seeView, signUp, startAccountPage } from '../support/account-page.ts'
import { openBrowser } from '../support/browser.ts'
import { startHosts } from '../support/hosts.ts'
import { apple, clientId, visit } from '../support/social-providers.ts'

const teamId = 'DEF123GHIJ'
const keyId = 'ABC123DEFG'
const key = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const person = { id: 'ada', profile: { sub: 'ada', email: 'ada@icloud.com', email_verified: true } }

async function start() {
  const social = apple(teamId, keyId, key.publicKey)
  social.add(person)
  const hosts = await startHosts(() => social.routes)
  onTestFinished(() => hosts.close())
  const server = await startAccountPage(
    {
      APPLE_CLIENT_ID: clientId,
      APPLE_TEAM_ID: teamId,
      APPLE_KEY_ID: keyId,
      APPLE_PRIVATE_KEY: key.privateKey,
    },
    { fetch: hosts.fetch },
  )
  const page = await open(await openBrowser(), server)
  // The browser reaches no Apple: what is there is given to it.
  await page.route(/^https:\/\/appleid\.apple\.com\//, async (route) => {
    const answer = await visit(hosts, route.request().url(), person.id)
    await route.fulfill({
      contentType: 'text/html',
      body: `<link rel="icon" href="data:,">${await answer.text()}`,
    })
  })
  const answerAtApple = async (button: string) => {
    await press(page, button)
    await page.waitForURL(/^https:\/\/appleid/)
    await page.evaluate(() => document.querySelector('form')!.requestSubmit())
  }
  return { server, page, answerAtApple }
}

it('signs in with the response that Apple posts', async () => {
  const { server, page, answerAtApple } = await start()
  await answerAtApple('Continue with Apple')
  await seeView(page, 'Your account')
  await page.locator('#profile').getByText(person.profile.email).waitFor()
  expect(page.url()).toBe(`${server.url}/`)
})

it('links Apple to an account whose cookie did not come along', async () => {
  const { page, answerAtApple } = await start()
  await signUp(page, 'ada@example.com')
  await answerAtApple('Link Apple')
  await seeView(page, 'Your account')
  await expect.poll(() => notice(page).textContent()).toMatch(/Apple is linked/)
})
