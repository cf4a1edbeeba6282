import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { begin, openidVariables, sendBegin, signInWith } from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

const flowLifetimeSeconds = 600
const maximumFlows = 20_000
const flowsPerAddress = 1000

describe('sign-ins that begin and never come back', () => {
  let provider: HostileProvider
  beforeAll(async () => (provider = await startHostileProvider()))
  afterAll(() => provider.close())
  const start = (env = {}) =>
    startServer({ REDIRECT_URIS: redirectUri, ...openidVariables('test', provider), ...env })
  const countFlows = async ({ database }: TestServer) =>
    Number((await database.query('select count(*) as count from provider_flows'))[0]!['count'])
  const signIn = ({ client }: TestServer) =>
    signInWith(client, 'test', (url) => provider.authorize(url, 'somebody'))

  it('are bounded: beyond the bound nothing is kept until some have ended', async () => {
    const server = await start()
    await server.database.query(
      `insert into provider_flows
        (token_hash, provider, state_hash, nonce, code_verifier, redirect_uri, user_id, expires_at)
      with recursive flood(i) as (select 1 union all select i + 1 from flood where i < ${maximumFlows - 1})
      select 'token-' || i, 'test', 'state-' || i, '', '', '', null, ${server.now() + 300_000}
      from flood`,
    )
    expect((await signIn(server)).errors).toBeUndefined()
    await begin(server.client, 'test')
    const refused = await sendBegin(server.client, 'test')
    expect(refused.code).toBe('RATE_LIMITED')
    expect(refused.errors![0]!.extensions.retryAfter).toBeGreaterThan(0)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await countFlows(server)).toBe(maximumFlows)
    // Who signs in otherwise does not notice.
    const { email, password } = await server.client.register()
    expect((await server.client.login(email, password)).errors).toBeUndefined()

    server.advance(301)
    expect((await signIn(server)).errors).toBeUndefined()
    expect(await countFlows(server)).toBe(1)
  })

  it('are counted by address', async () => {
    const server = await start({ THROTTLE: 'on' })
    const { database } = server
    const counters = () => database.query('select count from attempt_counters')
    await begin(server.client, 'test')
    expect(await counters()).toEqual([{ count: 1 }])
    await database.query('update attempt_counters set count = ?', [flowsPerAddress - 1])
    await begin(server.client, 'test')
    const refused = await sendBegin(server.client, 'test')
    expect(refused.code).toBe('RATE_LIMITED')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await countFlows(server)).toBe(2)
    server.advance(flowLifetimeSeconds)
    await begin(server.client, 'test')
  })

  it('do not count where the provider was at fault, nor where there is none', async () => {
    const down = await startHostileProvider()
    const server = await start({ THROTTLE: 'on', ...openidVariables('down', down) })
    await down.close()
    expect((await sendBegin(server.client, 'down')).code).toBe('PROVIDER_ERROR')
    expect((await sendBegin(server.client, 'unknown')).code).toBe('UNKNOWN_PROVIDER')
    const counters = await server.database.query('select count from attempt_counters')
    expect(counters.filter(({ count }) => count !== 0)).toEqual([])
    expect(await countFlows(server)).toBe(0)
  })
})
