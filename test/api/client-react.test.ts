// The client in React: who is signed in, wherever a component asks.
import { createElement, type ReactNode } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthProvider, useAuth } from '../../client/react.ts'
import { createBrowser } from '../support/tabs.ts'
import { startServer, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

function Greeting(): ReactNode {
  const state = useAuth()
  return state.status === 'signedIn' ? `Hello, ${state.user.email}!` : state.status
}

describe('useAuth', () => {
  it('gives the signed-in user and the client', async () => {
    const { email } = await server.client.register({ password })
    const auth = createBrowser(server).open()
    const render = (props = {}) =>
      renderToStaticMarkup(
        createElement(AuthProvider, { auth, ...props, children: createElement(Greeting) }),
      )
    expect(render()).toBe('unknown')
    await auth.start()
    expect(render()).toBe('signedOut')
    await auth.login({ email, password })
    expect(render()).toBe(`Hello, ${email}!`)
    // What the server has rendered, whatever the browser knows by now.
    expect(render({ renderedState: { status: 'unknown' } })).toBe('unknown')
  })

  it('says where the provider is missing', () => {
    expect(() => renderToStaticMarkup(createElement(Greeting))).toThrow('AuthProvider')
  })
})

describe('state', () => {
  it('is the same object until something changes, as useSyncExternalStore needs it', async () => {
    const { email } = await server.client.register({ password })
    const auth = createBrowser(server).open()
    let changes = 0
    auth.subscribe(() => (changes += 1))
    await auth.login({ email, password })
    const before = auth.state
    server.advance(901)
    await auth.accessToken()
    await auth.reload()
    expect(auth.state).toBe(before)
    expect(changes).toBe(1)
    await server.database.query("update users set name = 'Ada' where email = ?", [email])
    await auth.reload()
    expect(auth.state).toMatchObject({ user: { name: 'Ada' } })
    expect(changes).toBe(2)
  })
})
