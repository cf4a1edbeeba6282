// The code of docs/guides/urql.md, against a real server, as a browser would run it.
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { pageOrigin, stubFetch } from '../support/front-end.ts'
import { readGuide, shownFiles } from '../support/guide.ts'
import { eventually } from '../support/patience.ts'
import { startServer, type TestServer } from '../support/server.ts'

const guide = readGuide('urql')
const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let email: string
let sent: string[]
/** What the service of one's own has got as `Authorization`. */
let notesGot: (string | null)[]
beforeAll(async () => {
  server = await startServer({ ALLOWED_ORIGINS: pageOrigin })
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ name: 'Ada', password }))
  notesGot = []
  sent = stubFetch(server, (request) => {
    notesGot.push(request.headers.get('authorization'))
    return Response.json([])
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
})
afterAll(() => server.close())

async function loadPage() {
  vi.resetModules()
  const [page, greeting] = await Promise.all([
    import('../../docs/guides/urql/client.ts'),
    import('../../docs/guides/urql/greeting.ts'),
  ])
  return { page, ...greeting }
}

describe('docs/guides/urql.md', () => {
  it('shows the files that lie next to it, and all of them', () => {
    expect(shownFiles(guide)).toEqual(guide.files)
  })

  it('greets, and renews once if several meet the end of an access token', async () => {
    const { greet, page, readName } = await loadPage()
    expect(await greet()).toBe('Sign in, please.')
    await page.auth.login({ email, password })
    expect(await greet()).toContain(email)
    server.advance(accessTokenSeconds + 1)
    sent.length = 0
    // The cache has the greeting; another one has not.
    const [name, other] = await Promise.all([readName(), page.auth.accessToken()])
    expect([name, typeof other]).toEqual(['Ada', 'string'])
    expect(sent).toEqual(['Me', 'RefreshToken', 'Me'])
  })

  it('ends another device', async () => {
    const { page, signOutDevice } = await loadPage()
    await page.auth.login({ email, password })
    const phone = server.client.as(
      (await server.client.login(email, password)).data.login.accessToken,
    )
    const { data } = await phone.send('{ me { sessions { id current } } }')
    const { id } = data.me.sessions.find(({ current }: { current: boolean }) => current)
    expect(await signOutDevice(id)).toBe(true)
    expect((await phone.send('{ protected }')).reason).toBe('SESSION_ENDED')
    expect(await signOutDevice(id)).toBe(false)
  })

  it('shows nothing of one user to the next', async () => {
    const { greet, page } = await loadPage()
    await page.auth.login({ email, password })
    expect(await greet()).toContain(email)
    const grace = await server.client.register({ password })
    await page.auth.login({ email: grace.email, password })
    expect(await greet()).toContain(grace.email)
    await page.auth.logout()
    expect(await greet()).toBe('Sign in, please.')
  })

  it('gives React the client of the signed-in user', async () => {
    const { page } = await loadPage()
    const [{ App }, { useClient }] = await Promise.all([
      import('../../docs/guides/urql/app.tsx'),
      import('urql'),
    ])
    const seen: unknown[] = []
    const Look = () => void seen.push(useClient())
    const render = () => renderToStaticMarkup(createElement(App, null, createElement(Look)))
    render()
    const before = page.client
    await page.auth.login({ email, password })
    render()
    expect(page.client).not.toBe(before)
    expect(seen).toEqual([before, page.client])
  })

  it('knows after a reload who is signed in, without being asked', async () => {
    const first = await loadPage()
    await first.page.auth.login({ email, password })
    const { page } = await loadPage()
    await eventually(() => expect(page.auth.state.status).toBe('signedIn'))
  })

  it('gives the token to the service of one’s own', async () => {
    const { page, readNotes } = await loadPage()
    await page.auth.login({ email, password })
    expect(await readNotes()).toEqual([])
    expect(notesGot).toEqual([`Bearer ${await page.auth.accessToken()}`])
  })
})
