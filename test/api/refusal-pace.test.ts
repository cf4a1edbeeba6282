import { describe, expect, it } from 'vitest'
import { createClient } from '../support/client.ts'
import { readUntilClosed, openSocket } from '../support/raw-http.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { testSchema } from '../support/test.resolver.ts'

/** So few that a flood of each kind is held until the server closes. */
const overrides = {
  refusalsPerSecond: { network: 0.01, all: 0.01 },
  requestTimeoutMilliseconds: 200_000,
}
const flood = Array.from({ length: 12 }, (_, index) => index)

const raw = async (server: TestServer, bytes: string) =>
  (await readUntilClosed(openSocket(server.url, bytes))).status

const refusals: [what: string, status: number, send: (server: TestServer) => Promise<unknown>][] = [
  [
    'forged refresh tokens',
    200,
    async ({ client }) =>
      (await client.send('mutation { refreshToken(refreshToken: "forged") { accessToken } }'))
        .status,
  ],
  [
    'wrong passwords',
    200,
    async ({ client }) => (await client.login('a@example.com', 'wrong one')).status,
  ],
  [
    'provider sign-ins that nobody began',
    200,
    async ({ client }) =>
      (
        await client.send(
          'mutation { loginWithProvider(provider: "acme", flowToken: "a", code: "b", state: "c") { accessToken } }',
        )
      ).status,
  ],
  [
    'bad access tokens',
    401,
    async ({ client }) => (await client.as('bad').send('{ me { id } }')).status,
  ],
  ['unknown fields', 400, async ({ client }) => (await client.send('{ nothing }')).status],
  ['unknown paths', 404, async ({ url }) => (await fetch(`${url}/nothing`)).status],
  [
    'bodies that are not JSON',
    400,
    async ({ url }) =>
      (
        await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"query',
        })
      ).status,
  ],
  ['bytes that are not HTTP', 400, (server) => raw(server, '\0\0\0junk\r\n\r\n')],
]

describe('a flood of refusals', () => {
  // On one core, clients that try again at once took the time that hashing a password needs.
  it.each(refusals)(
    'is held back, while others sign in and read, and is answered at a stop: %s',
    async (_what, status, send) => {
      const server = await startServer({}, overrides)
      const { email, password, accessToken } = await server.client.register()
      let answered = 0
      const statuses = flood.map(async () => {
        const result = await send(server)
        answered += 1
        return result
      })
      for (let count = 0; count < 5; count++) {
        expect((await server.client.login(email, password)).errors).toBeUndefined()
        expect((await server.client.as(accessToken).send('{ me { id } }')).errors).toBeUndefined()
      }
      expect(answered).toBe(0)
      await server.close()
      expect(new Set(await Promise.all(statuses))).toEqual(new Set([status]))
    },
  )
})

describe('a flood of failures that are the server’s own', () => {
  it('is answered at once, and leaves the client its budget of refusals', async () => {
    const server = await startServer({}, { ...overrides, schema: testSchema })
    const statuses = await Promise.all(
      flood.map(async () => (await server.client.send('{ failSoftly(how: "error") }')).status),
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
    // A failure next to a refusal does not hide it.
    const mixed = '{ failSoftly(how: "error") me { id } }'
    let answered = 0
    const held = flood.map(async () => {
      await server.client.send(mixed)
      answered += 1
    })
    await server.client.register()
    expect(answered).toBe(0)
    await server.close()
    await Promise.all(held)
    // Less than a refusal is held.
  }, 20_000)
})

it('a network has one budget for what Node refuses and for what comes later', async () => {
  // IPv4 clients of a server that listens on both have addresses such as ::ffff:127.0.0.1.
  const server = await startServer(
    { HOST: '::' },
    { ...overrides, refusalsPerSecond: { network: 1, all: Infinity } },
  )
  const { port } = new URL(server.url)
  const url = `http://127.0.0.1:${port}`
  // The first is sent at once, each of the others a second later than the one before it.
  const held = flood.map(async () => (await fetch(`${url}/nothing`)).status)
  expect(await Promise.race(held)).toBe(404)
  let isAnswered = false
  const junk = readUntilClosed(openSocket(url, '\0\0\0junk\r\n\r\n')).then(({ status }) => {
    isAnswered = true
    return status
  })
  await createClient(url).register()
  expect(isAnswered).toBe(false)
  await server.close()
  expect(await junk).toBe(400)
  await Promise.all(held)
})
