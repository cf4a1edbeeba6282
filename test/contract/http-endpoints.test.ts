// docs/reference/http.md is written from a table: the server has to have what the table says.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpoints } from '../../scripts/reference/http.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ SANDBOX: 'on' })
})
afterAll(() => server.close())

describe('the HTTP endpoints of the reference', () => {
  it.each(endpoints.map(({ method, path }) => [method, path] as const))(
    'are served: %s %s',
    async (method, path) => {
      const { status } = await fetch(server.url + path, {
        method,
        headers: { accept: 'text/html,application/json' },
        ...(method === 'POST' && { body: new URLSearchParams() }),
      })
      expect(status).not.toBe(404)
      expect(status).not.toBe(405)
      expect(status).toBeLessThan(500)
    },
  )
})
