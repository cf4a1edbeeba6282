// The code of docs/guides/server-rendering.md: a server that renders pages, against a real Latchkey.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Page, type PageData } from '../../docs/guides/server-rendering/page.tsx'
import { createRenderer } from '../../docs/guides/server-rendering/server.tsx'
import { readGuide, shownFiles } from '../support/guide.ts'
import { startServer, type TestServer } from '../support/server.ts'

const guide = readGuide('server-rendering')
const password = 'correct horse battery'
const accessTokenSeconds = 900

let latchkey: TestServer
let renderer: Server
let url: string
let email: string
beforeAll(async () => {
  latchkey = await startServer({ TRUST_PROXY: '1' })
  renderer = createRenderer({
    url: `${latchkey.url}/graphql`,
    isSecure: true,
    script: '// bundled',
  })
  await new Promise<void>((resolve) => renderer.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(renderer.address() as AddressInfo).port}`
})
beforeEach(async () => {
  ;({ email } = await latchkey.client.register({ name: '</script><b>', password }))
})
afterAll(async () => {
  renderer.closeAllConnections()
  await new Promise((resolve) => renderer.close(resolve))
  await latchkey.close()
})

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(url + path, { method: 'POST', body, headers, redirect: 'manual' })

async function signIn(address: string, headers: Record<string, string> = {}) {
  const form = new URLSearchParams({ email: address, password })
  const response = await post('/sign-in', form.toString(), headers)
  expect(response.status).toBe(303)
  const [cookie = ''] = response.headers.getSetCookie()
  expect(cookie).toMatch(/^app-session=[\w-]{43}; .*HttpOnly; SameSite=Lax; Secure$/)
  return { cookie: cookie.split(';')[0]! }
}

const read = async (headers: Record<string, string> = {}) => (await fetch(url, { headers })).text()

function dataOf(html: string): PageData {
  return JSON.parse(/<script id="data"[^>]*>(.*?)<\/script>/s.exec(html)![1]!) as PageData
}

describe('docs/guides/server-rendering.md', () => {
  it('shows the files that lie next to it, and all of them', () => {
    expect(shownFiles(guide)).toEqual(guide.files)
  })
})

describe('a page rendered on the server', () => {
  it('shows who is signed in, and has no token of theirs', async () => {
    expect(await read()).toContain('type="password"')
    const session = await signIn(email, { 'user-agent': 'Ada’s phone'.replace('’', "'") })
    const html = await read(session)
    expect(dataOf(html).me).toMatchObject({ email, name: '</script><b>' })
    // The device is the user's, not the server that renders.
    expect(dataOf(html).me?.sessions[0]).toMatchObject({ userAgent: "Ada's phone", current: true })
    expect(html).not.toMatch(/eyJ|lkr_/)
    expect(html).not.toContain('<b>')
  })

  it('is what the browser makes of the same data, so that it can take it over', async () => {
    const html = await read(await signIn(email))
    const rendered = /<div id="root">(.*?)<\/div>\n/s.exec(html)![1]!
    expect(renderToString(createElement(Page, dataOf(html)))).toBe(rendered)
  })

  it('is each user’s own, however many are rendered at once', async () => {
    const others = await Promise.all([1, 2, 3].map(() => latchkey.client.register({ password })))
    const addresses = [email, ...others.map((account) => account.email)]
    const sessions = await Promise.all(addresses.map((address) => signIn(address)))
    latchkey.advance(accessTokenSeconds + 1)
    const asked = Array.from({ length: 40 }, (_, index) => index % addresses.length)
    const pages = await Promise.all(asked.map((index) => read(sessions[index])))
    expect(pages.map((html) => dataOf(html).me?.email)).toEqual(
      asked.map((index) => addresses[index]),
    )
    latchkey.advance(accessTokenSeconds + 1)
    expect(dataOf(await read(sessions[0])).me?.email).toBe(email)
    expect(await read()).toContain('type="password"')
  })

  it('is asked for more through the server that renders, which adds the token', async () => {
    const session = await signIn(email)
    const elsewhere = await latchkey.client.login(email, password)
    const phone = latchkey.client.as(elsewhere.data.login.accessToken)
    const { data } = await phone.send('{ me { sessions { id current } } }')
    const { id } = data.me.sessions.find(({ current }: { current: boolean }) => current)
    const query = JSON.stringify({ operationName: 'RevokeSession', variables: { id } })
    const anonymous = await post('/graphql', query)
    expect(anonymous.status).toBe(401)
    expect(await (await post('/graphql', query, session)).json()).toEqual({
      data: { revokeSession: true },
    })
    expect((await phone.send('{ protected }')).reason).toBe('SESSION_ENDED')
    const foreign = { ...session, 'sec-fetch-site': 'same-site' }
    for (const path of ['/graphql', '/sign-in', '/sign-out']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await post(path, query, foreign)).status).toBe(403)
    }
  })

  it('passes on what the page needs, and nothing whose response has tokens', async () => {
    const session = await signIn(email)
    const change = `mutation { changePassword(currentPassword: "${password}", newPassword: "another horse battery") { accessToken } }`
    for (const body of [
      JSON.stringify({ query: change }),
      JSON.stringify({ query: change, operationName: 'RevokeSession', variables: { id: 'x' } }),
      JSON.stringify({ operationName: 'Login', variables: { email, password } }),
      'null',
      'not JSON',
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await (await post('/graphql', body, session)).text()).not.toMatch(/eyJ|lkr_/)
    }
    expect((await latchkey.client.login(email, password)).code).toBeUndefined()
  })

  it('says to the page that the session has ended, as Latchkey says it', async () => {
    const session = await signIn(email)
    const elsewhere = await latchkey.client.login(email, password)
    await latchkey.client
      .as(elsewhere.data.login.accessToken)
      .send('mutation { logout(scope: OTHERS) }')
    latchkey.advance(accessTokenSeconds + 1)
    const body = JSON.stringify({ operationName: 'RevokeSession', variables: { id: 'x' } })
    const answer = await post('/graphql', body, session)
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    })
  })

  it('outlives a response that breaks off', async () => {
    const broken = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('{')
      setImmediate(() => response.destroy())
    })
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
    const { port } = broken.address() as AddressInfo
    const front = createRenderer({
      url: `http://127.0.0.1:${port}/graphql`,
      isSecure: true,
      script: '',
    })
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
    const body = JSON.stringify({ operationName: 'RevokeSession', variables: { id: 'x' } })
    const address = `http://127.0.0.1:${(front.address() as AddressInfo).port}/graphql`
    expect((await fetch(address, { method: 'POST', body })).status).toBe(503)
    front.closeAllConnections()
    front.close()
    broken.close()
  })

  it('has its script, and no page if there is none', async () => {
    const script = await fetch(`${url}/browser.js`)
    expect(script.headers.get('content-type')).toContain('text/javascript')
    expect((await fetch(`${url}/favicon.ico`)).status).toBe(404)
  })

  it('shows the form again after a wrong password, a sign-out, and the end of the session', async () => {
    const form = new URLSearchParams({ email, password: 'not the password' })
    expect(await (await post('/sign-in', form.toString())).text()).toContain('Wrong e-mail')

    const session = await signIn(email)
    const gone = await post('/sign-out', '', session)
    expect(gone.headers.getSetCookie()[0]).toMatch(/^app-session=; Max-Age=0/)
    expect(await read(session)).toContain('type="password"')

    const other = await signIn(email)
    const elsewhere = await latchkey.client.login(email, password)
    const client = latchkey.client.as(elsewhere.data.login.accessToken)
    // Signed out there as well: that of `register`, this one and the other are left.
    const { data } = await client.send('{ me { sessions { id } } }')
    expect(data.me.sessions).toHaveLength(3)
    await client.send('mutation { logout(scope: ALL) }')
    expect(await read(other)).toContain('type="password"')
    expect(await read({ cookie: 'app-session=guessed' })).toContain('type="password"')
  })
})
