import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { createClient } from '../support/client.ts'
import {
  begin,
  openidVariables,
  readAnswer,
  sendBegin,
  sendLogin,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

const flowLifetimeSeconds = 600
const maximumFlows = 20_000
const flowsPerAddress = 1000

describe('sign-ins that start and never come back', () => {
  let provider: HostileProvider
  beforeAll(async () => (provider = await startHostileProvider()))
  afterAll(() => provider.close())
  const start = (env = {}) =>
    startServer({ REDIRECT_URIS: redirectUri, ...openidVariables('test', provider), ...env })
  const countFlows = async ({ database }: TestServer) =>
    Number((await database.query('select count(*) as count from provider_flows'))[0]!['count'])
  const signIn = ({ client }: TestServer) =>
    signInWith(client, 'test', (url) => provider.authorize(url, 'somebody'))

  it('are bounded: the oldest of the network that has the most give way', async () => {
    const server = await start({ TRUST_PROXY: '1' })
    const from = (ip: string) => createClient(server.url, { 'x-forwarded-for': ip })
    const mine = await begin(from('203.0.113.7'), 'test')
    // One /48 of IPv6, whose 65,536 blocks of addresses have a budget each.
    await server.database.query(
      `insert into provider_flows (token_hash, provider, state_hash, nonce, code_verifier, redirect_uri,
        user_id, network, expires_at)
      with recursive flood(i) as (select 1 union all select i + 1 from flood where i < ${maximumFlows - 1})
      select 'token-' || i, 'test', 'state-' || i, '', '', '', null, '2001:db8:1::/48',
        ${server.now() + 300_000} + i
      from flood`,
    )
    expect(await countFlows(server)).toBe(maximumFlows)
    for (const ip of ['198.51.100.1', '2001:db8:1:ffff::1', '2001:db8:2::1']) {
      expect((await sendBegin(from(ip), 'test')).errors).toBeUndefined()
    }
    const rows = await server.database.query('select token_hash, network from provider_flows')
    expect(rows.length).toBeLessThanOrEqual(maximumFlows)
    expect(rows.map((row) => row['token_hash'])).not.toContain('token-1')
    expect(rows.map((row) => row['token_hash'])).toContain(`token-${maximumFlows - 1}`)
    expect(new Set(rows.map((row) => row['network']))).toEqual(
      new Set(['203.0.113.0/24', '198.51.100.0/24', '2001:db8:1::/48', '2001:db8:2::/48']),
    )
    // The oldest of all, of another network, is still there.
    const back = provider.authorize(mine.authorizationUrl, 'somebody')
    const answer = readAnswer({ provider: 'test', flowToken: mine.flowToken }, back)
    expect((await sendLogin(server.client, answer)).errors).toBeUndefined()

    server.advance(700)
    expect((await signIn(server)).errors).toBeUndefined()
  })

  it('are counted by address', async () => {
    const server = await start({ THROTTLE: 'on' })
    const { database } = server
    const counters = () => database.query('select count from attempt_counters')
    await begin(server.client, 'test')
    // The address, and the network.
    expect(await counters()).toEqual([{ count: 1 }, { count: 1 }])
    await database.query('update attempt_counters set count = ?', [flowsPerAddress - 1])
    await begin(server.client, 'test')
    const refused = await sendBegin(server.client, 'test')
    expect(refused.code).toBe('RATE_LIMITED')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await countFlows(server)).toBe(2)
    server.advance(flowLifetimeSeconds)
    await begin(server.client, 'test')
  })

  it('do not count if the provider was at fault, nor if there is none', async () => {
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
