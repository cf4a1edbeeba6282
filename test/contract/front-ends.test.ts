// The code of docs/guides/front-ends.md, against a real server, as a browser would run it.
import { ApolloProvider } from '@apollo/client/react'
import { prerenderStatic } from '@apollo/client/react/ssr'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  MeDocument,
  ProtectedDocument,
  ProvidersDocument,
  SessionsDocument,
} from '../../client/index.ts'
import { pageOrigin, stubFetch } from '../support/front-end.ts'
import { readGuide, shownFiles } from '../support/guide.ts'
import { needs } from '../support/needs.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { readSteps, runSteps } from '../support/walkthrough.ts'

const guide = readGuide('front-ends')
const password = 'correct horse battery'
const accessTokenSeconds = 900

let server: TestServer
let email: string
/** The operations that were sent, by name. */
let sent: string[]
beforeAll(async () => {
  server = await startServer({ ALLOWED_ORIGINS: pageOrigin })
})
beforeEach(async () => {
  ;({ email } = await server.client.register({ name: 'Ada', password }))
  sent = stubFetch(server)
})
afterEach(() => {
  vi.unstubAllGlobals()
})
afterAll(() => server.close())

/** Loads the page: everything in memory is new. */
async function loadPage() {
  vi.resetModules()
  const [{ auth }, { client }, { Profile }, { AuthProvider }] = await Promise.all([
    import('../../docs/guides/front-ends/auth.ts'),
    import('../../docs/guides/front-ends/apollo.ts'),
    import('../../docs/guides/front-ends/profile.tsx'),
    import('../../client/react.ts'),
  ])
  const render = async (error?: unknown) => {
    const page = createElement(Profile, { error })
    const children = createElement(ApolloProvider, { client, children: page })
    const tree = createElement(AuthProvider, { auth, children })
    return (await prerenderStatic({ tree, renderFunction: renderToStaticMarkup })).result
  }
  return { auth, client, render }
}

describe('docs/guides/front-ends.md', () => {
  it('shows the files that lie next to it, and all of them', () => {
    expect(shownFiles(guide)).toEqual(guide.files)
  })

  it('shows curl with a cookie, and what it returns', needs('bash', 'curl'), async () => {
    const asOurs = (text: string) =>
      text.replaceAll('http://127.0.0.1:4000', server.url).replaceAll('ada@example.com', email)
    const steps = readSteps('docs/guides/front-ends.md', 'cookie')
    expect(steps).toHaveLength(2)
    const printed = await runSteps(
      steps.map((step) => ({ ...step, commands: asOurs(step.commands) })),
    )
    expect(printed).toEqual([...steps.map(({ output }) => asOurs(output).trim()), ''])
  })
})

describe('the front end', () => {
  it('renews once, and sends again, where operations meet the end of an access token', async () => {
    const { auth, client } = await loadPage()
    await auth.login({ email, password })
    server.advance(accessTokenSeconds + 1)
    sent.length = 0
    const [me, greeting, providers] = await Promise.all([
      client.query({ query: MeDocument }),
      client.query({ query: ProtectedDocument }),
      client.query({ query: ProvidersDocument }),
    ])
    expect(me.data?.me.email).toBe(email)
    expect(greeting.data?.protected).toContain(email)
    // It is public: the stale token does not hinder it.
    expect(providers.data?.providers).toEqual([])
    expect(sent.toSorted()).toEqual(
      ['Me', 'Me', 'Protected', 'Protected', 'Providers', 'RefreshToken'].toSorted(),
    )
  })

  it('shows the user and their devices, also when the page is loaded again', async () => {
    const first = await loadPage()
    await first.auth.login({ email, password })
    expect(await first.render()).toContain('Hello, Ada!')
    const again = await loadPage()
    expect(await again.render()).toContain('One moment')
    await again.auth.start()
    expect(await again.render()).toMatch(/Hello, Ada!.*Member since \d{4}.*\(this one\)/)
    await again.auth.logout()
    expect(await again.render()).toContain('type="password"')
    expect(await (await loadPage()).auth.start()).toEqual({ status: 'signedOut' })
  })

  it('says why someone sees the sign-in again', async () => {
    const { auth, client, render } = await loadPage()
    await auth.login({ email, password })
    const elsewhere = await server.client.login(email, password)
    await server.client.as(elsewhere.data.login.accessToken).send('mutation { logout(scope: ALL) }')
    await client.query({ query: MeDocument }).catch(() => undefined)
    expect(await render()).toMatch(/Your session has ended\..*type="password"/)
  })

  it('shows nothing of one user to the next', async () => {
    const { auth, client } = await loadPage()
    await auth.login({ email, password })
    await client.query({ query: SessionsDocument })
    expect(JSON.stringify(client.extract())).toContain('sessions')
    await auth.logout()
    expect(client.extract()).toEqual({})
    const grace = await server.client.register({ password })
    await auth.login({ email: grace.email, password })
    const { data } = await client.query({ query: MeDocument })
    expect(data?.me.email).toBe(grace.email)
  })

  it('says what went wrong', async () => {
    const { auth, render } = await loadPage()
    await auth.start()
    const error = await auth
      .login({ email, password: 'not the password' })
      .catch((failure: unknown) => failure)
    expect(await render(error)).toContain('Wrong e-mail or password.')
    const { explain, explainSignedOut } = await import('../../docs/guides/front-ends/explain.ts')
    const message = ''
    const said = (serverError: object) => explain({ serverError: { message, ...serverError } })
    expect(said({ code: 'RATE_LIMITED', retryAfter: 7 })).toContain('7 seconds')
    expect(said({ code: 'UNAUTHENTICATED', reason: 'ACCOUNT_DISABLED' })).toContain('disabled')
    expect(said({ code: 'LINK_REQUIRED', provider: 'x', linkableWith: ['password'] })).toContain(
      'password',
    )
    expect(explain(new Error(message))).toContain('did not work')
    expect(explainSignedOut('REFRESH_TOKEN_REUSED')).toContain('safety')
  })
})
