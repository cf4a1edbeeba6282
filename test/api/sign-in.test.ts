import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

describe('signing in with a password', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer()))
  afterAll(() => server.close())

  it('gives tokens that open guarded fields, after register and after login', async () => {
    const { client } = server
    const { email, password, accessToken } = await client.register({ email: 'Ada@Example.com' })
    const login = await client.login(email, password)
    for (const token of [accessToken, login.data.login.accessToken]) {
      const answer = await client.as(token).send('{ protected me { email roles hasPassword } }')
      expect(answer.data).toEqual({
        protected: 'Hello, ada@example.com! This is a protected field.',
        me: { email: 'ada@example.com', roles: ['USER'], hasPassword: true },
      })
    }
  })

  it('says the same of a wrong password and of an unknown address', async () => {
    const { client } = server
    const { email } = await client.register()
    const wrong = await client.login(email, 'not the password')
    const unknown = await client.login('nobody@example.com', 'not the password')
    expect(wrong.code).toBe('INVALID_CREDENTIALS')
    expect(wrong.text).toBe(unknown.text)
    expect(wrong.status).toBe(unknown.status)
  })
})
