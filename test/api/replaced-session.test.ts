// ASVS 7.2.4: a sign-in that overwrites the cookie of a session ends that session.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeRefreshToken } from '../../src/core/tokens/refresh-token.ts'
import { DerivedKeys } from '../../src/core/tokens/derived-keys.ts'
import { eventsOf, inWords } from '../support/audit.ts'
import { startServer, testAppSecret, type TestServer } from '../support/server.ts'

const password = 'correct horse battery'
const operations = {
  login: `mutation ($email: String!, $password: String!, $transport: TokenTransport!) {
    login(email: $email, password: $password, transport: $transport) { accessToken user { id } }
  }`,
  register: `mutation ($email: String!, $password: String!, $transport: TokenTransport!) {
    register(email: $email, password: $password, transport: $transport) { accessToken user { id } }
  }`,
}

let server: TestServer
beforeAll(async () => (server = await startServer()))
afterAll(() => server.close())

let people = 0
type Options = {
  operation?: keyof typeof operations
  email?: string
  secret?: string
  transport?: 'BODY' | 'COOKIE'
  cookie?: string
  headers?: Record<string, string>
}
async function signIn(options: Options = {}) {
  const { operation = 'login', secret = password, transport = 'COOKIE', cookie = '' } = options
  const email = options.email ?? `replaced${++people}@example.com`
  const answer = await server.client.send(
    operations[operation],
    { email, password: secret, transport },
    { ...(cookie !== '' && { cookie }), ...options.headers },
  )
  const [set = ''] = answer.headers.getSetCookie()
  const { accessToken, user } = answer.data?.[operation] ?? {}
  return { answer, email, accessToken, userId: user?.id, cookie: set.split(';')[0]! }
}
const firstSession = () => signIn({ operation: 'register' })
const whyEnded = async ({ accessToken }: { accessToken: string }) =>
  (await server.client.as(accessToken).send('{ protected }')).reason
const replacements = async (userId: string) =>
  inWords(await eventsOf(server, userId)).filter((words) => words.includes('REPLACED'))

describe('a sign-in with transport COOKIE', () => {
  it('ends the session whose cookie it replaces, of the same account', async () => {
    const first = await firstSession()
    const second = await signIn({ email: first.email, cookie: first.cookie })
    expect(await whyEnded(first)).toBe('SESSION_ENDED')
    expect(await whyEnded(second)).toBeUndefined()
    expect(await replacements(first.userId)).toEqual(['SESSION_ENDED REPLACED -1'])
  })

  it.each(['login', 'register'] as const)(
    'ends the session of another account, which sees why, by %s',
    async (operation) => {
      const first = await firstSession()
      const { email } = await server.client.register()
      const next = await signIn({
        operation,
        cookie: first.cookie,
        ...(operation === 'login' && { email }),
      })
      expect(await whyEnded(first)).toBe('SESSION_ENDED')
      expect(await replacements(first.userId)).toEqual(['SESSION_ENDED REPLACED -1'])
      expect(await replacements(next.userId)).toEqual([])
    },
  )

  it('ends the session of an earlier sign-in of the same operation', async () => {
    const { email } = await server.client.register()
    const answer = await server.client.send(
      `mutation ($email: String!, $password: String!) {
        a: login(email: $email, password: $password, transport: COOKIE) { accessToken }
        b: login(email: $email, password: $password, transport: COOKIE) { accessToken }
      }`,
      { email, password },
    )
    const { a, b } = answer.data
    expect([await whyEnded(a), await whyEnded(b)]).toEqual(['SESSION_ENDED', undefined])
    // The response sets the cookie once, and it holds the session that lives.
    const [set, ...more] = answer.headers.getSetCookie()
    expect(more).toEqual([])
    await server.client.send('mutation { logout }', {}, { cookie: set!.split(';')[0]! })
    expect(await whyEnded(b)).toBe('SESSION_ENDED')
  })

  it.each(['logout', 'logout(scope: THIS)'])(
    'starts a session that %s ends in the same operation',
    async (logout) => {
      const { email } = await server.client.register()
      const answer = await server.client.send(
        `mutation ($email: String!, $password: String!) {
          login(email: $email, password: $password, transport: COOKIE) { accessToken }
          ${logout}
        }`,
        { email, password },
      )
      expect(answer.data.logout).toBe(true)
      expect(await whyEnded(answer.data.login)).toBe('SESSION_ENDED')
      expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/=; Max-Age=0/)])
    },
  )

  it('leaves other sessions of the account alone', async () => {
    const first = await firstSession()
    const elsewhere = await signIn({ email: first.email })
    await signIn({ email: first.email, cookie: first.cookie })
    expect(await whyEnded(elsewhere)).toBeUndefined()
  })

  it('ends nothing if it fails', async () => {
    const first = await firstSession()
    const failed = await signIn({ email: first.email, secret: 'wrong', cookie: first.cookie })
    expect(failed.answer.code).toBe('INVALID_CREDENTIALS')
    expect(await whyEnded(first)).toBeUndefined()
  })

  it('ends nothing for a cookie that this server did not issue', async () => {
    const first = await firstSession()
    const [name, value] = first.cookie.split('=') as [string, string]
    const sessionId = Buffer.from(value.slice(4), 'base64url').toString('base64url', 0, 16)
    const forged = [
      encodeRefreshToken({ sessionId, generation: 0 }, new DerivedKeys('x'.repeat(32))),
      // Of a generation that was never issued, as after the restore of a backup.
      encodeRefreshToken({ sessionId, generation: 5 }, new DerivedKeys(testAppSecret)),
      `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`,
      sessionId,
      '',
    ]
    for (const token of forged) {
      const next = await signIn({ email: first.email, cookie: `${name}=${token}` })
      expect(next.answer.errors).toBeUndefined()
      expect(await whyEnded(first)).toBeUndefined()
    }
    await signIn({ email: first.email, cookie: `${first.cookie}; ${first.cookie}` })
    expect(await whyEnded(first)).toBeUndefined()
  })

  it('ends nothing for a page that may not use the cookie', async () => {
    const first = await firstSession()
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://sibling.example.com', 'sec-fetch-site': 'same-site' },
    ]) {
      await signIn({ email: first.email, cookie: first.cookie, headers })
      expect(await whyEnded(first)).toBeUndefined()
    }
  })
})

it('a sign-in with transport BODY, which leaves the cookie in place, leaves its session alive', async () => {
  const first = await firstSession()
  const other = await signIn({ email: first.email, cookie: first.cookie, transport: 'BODY' })
  expect(other.cookie).toBe('')
  expect(await whyEnded(first)).toBeUndefined()
})
