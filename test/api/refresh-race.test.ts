import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

const rounds = 200
const requestsPerRound = 50
/** Rounds that run at once, each on a session of its own. */
const lanes = 4
const refresh = 'mutation ($token: String) { refreshToken(refreshToken: $token) { refreshToken } }'

describe('refreshing one token from many places at once', () => {
  let servers: [TestServer, TestServer]
  beforeAll(async () => {
    const server = await startServer({ LOG_LEVEL: 'warn' })
    servers = [server, await server.sibling()]
  })
  afterAll(() => servers[0].close())

  /** The refresh tokens that so many requests with one token get, each once. */
  const successorsOf = async (token: string) => {
    const answers = await Promise.all(
      Array.from({ length: requestsPerRound }, (_, index) =>
        servers[index % 2]!.client.send(refresh, { token }),
      ),
    )
    return [...new Set(answers.map(({ data, text }) => data?.refreshToken.refreshToken ?? text))]
  }

  // GHSA-392p-2q2v-4372: two redemptions of one token must never start two lines of descent.
  it('gives one and the same successor, on two servers', { timeout: 180_000 }, async () => {
    const lane = async () => {
      let token = (await servers[0].client.register()).refreshToken
      for (let round = 0; round < rounds / lanes; round += 1) {
        const successors = await successorsOf(token)
        expect(successors).toEqual([expect.stringMatching(/^lkr_/)])
        expect(successors[0]).not.toBe(token)
        token = successors[0]
      }
      return token
    }
    const newest = await Promise.all(Array.from({ length: lanes }, lane))
    for (const token of newest) {
      const { accessToken } = (await servers[0].client.refresh(token)).data.refreshToken
      const answer = await servers[1].client.as(accessToken).send('{ me { sessions { id } } }')
      expect(answer.data.me.sessions).toHaveLength(1)
    }
    const rows = await servers[0].database.query('select generation from sessions')
    expect(rows.map(({ generation }) => generation)).toEqual(newest.map(() => rounds / lanes + 1))
  })
})
