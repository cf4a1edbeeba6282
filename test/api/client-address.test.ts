import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countAccepted, wrongPassword } from '../support/attempts.ts'
import type { Environment } from '../support/server.ts'
import { startServer, type TestServer } from '../support/server.ts'

const real = '127.0.0.1'
let server: TestServer
beforeAll(async () => (server = await startServer()))
afterAll(() => server.close())

/** Past fetch, which joins what is sent twice. */
function post(
  url: string,
  headers: Record<string, string | string[]>,
  query: string,
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read what they asked for
): Promise<any> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      response
        .toArray()
        .then((chunks) => resolve(JSON.parse(Buffer.concat(chunks).toString())), reject)
    })
    sent.end(JSON.stringify({ query }))
  })
}

let people = 0

/** The address that the server took the request to be from, as the user's session shows it. */
async function seenAddress(url: string, headers: Record<string, string | string[]>) {
  const email = `address${++people}@example.com`
  const registered = await post(
    url,
    headers,
    `mutation { register(email: "${email}", password: "correct horse battery") { accessToken } }`,
  )
  const authorization = `Bearer ${registered.data.register.accessToken}`
  const { data } = await post(url, { authorization }, '{ me { sessions { ip } } }')
  return data.me.sessions[0].ip
}

describe('without TRUST_PROXY', () => {
  it.each([
    'x-forwarded-for',
    'x-real-ip',
    'x-client-ip',
    'x-originating-ip',
    'true-client-ip',
    'cf-connecting-ip',
    'fastly-client-ip',
    'x-forwarded-host',
    'via',
  ])('%s says nothing about the client', async (header) => {
    expect(await seenAddress(server.url, { [header]: '203.0.113.1' })).toBe(real)
  })

  it('Forwarded says nothing about the client', async () => {
    expect(await seenAddress(server.url, { forwarded: 'for=203.0.113.1' })).toBe(real)
  })

  // CVE-2024-47070, CVE-2026-46356: a new address for each guess.
  it('guesses are counted together, whatever origin they claim', async () => {
    const throttled = await server.sibling({ THROTTLE: 'on' })
    const { email } = await server.client.register()
    const accepted = await countAccepted((index) =>
      throttled.client.send(
        'mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { tokenType } }',
        { email, password: wrongPassword },
        {
          'x-forwarded-for': `203.0.113.${index}`,
          'x-real-ip': `203.0.113.${index}`,
          'cf-connecting-ip': `203.0.113.${index}`,
          'true-client-ip': `203.0.113.${index}`,
          forwarded: `for=203.0.113.${index}`,
        },
      ),
    )
    expect(accepted).toBe(5)
  })
})

describe.each<[Environment, [what: string, sent: string | string[], seen: string][]]>([
  [
    { TRUST_PROXY: '1' },
    [
      ['one address', '203.0.113.1', '203.0.113.1'],
      ['what the client sent before it', '198.51.100.1, 203.0.113.1', '203.0.113.1'],
      ['two headers', ['198.51.100.1', '203.0.113.1'], '203.0.113.1'],
      ['no space', '198.51.100.1,203.0.113.1', '203.0.113.1'],
      ['tabs around it', '198.51.100.1\t,\t203.0.113.1\t', '203.0.113.1'],
      ['a comma behind it', '203.0.113.1, ', '203.0.113.1'],
      ['IPv6', '2001:db8::1', '2001:db8::1'],
      // CVE-2026-30827: one client, one spelling.
      ['mapped IPv4', '::ffff:203.0.113.1', '203.0.113.1'],
      ['mapped IPv4 in hexadecimal', '::ffff:cb00:7101', '203.0.113.1'],
      ['mapped IPv4 in capitals', '::FFFF:203.0.113.1', '203.0.113.1'],
      ['a zone', 'fe80::1%eth0', 'fe80::1'],
      // Azure Application Gateway, IIS and others add the port of the client.
      ['IPv4 with a port', '203.0.113.1:51234', '203.0.113.1'],
      ['IPv4 with a port, behind another entry', '192.0.2.1:1, 203.0.113.1:443', '203.0.113.1'],
      ['IPv6 in brackets', '[2001:db8::1]', '2001:db8::1'],
      ['IPv6 in brackets with a port', '[2001:db8::1]:443', '2001:db8::1'],
      ['IPv6 in brackets, quoted, with a port', '"[2001:db8::1]:443"', '2001:db8::1'],
      ['a quoted address', '"203.0.113.1"', '203.0.113.1'],
      ['IPv6 with a zone, in brackets, with a port', '[fe80::1%eth0]:443', 'fe80::1'],
      ['mapped IPv4 with a port', '::ffff:203.0.113.1:51234', '203.0.113.1'],
      ['mapped IPv4 in brackets with a port', '[::ffff:203.0.113.1]:80', '203.0.113.1'],
      ['all eight groups of IPv6 with a port', '2001:db8:0:0:0:0:0:1:443', '2001:db8::1'],
      ['IPv6 in capitals', '2001:DB8::A', '2001:db8::a'],
      ['IPv6 with all of its zeros', '2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
      // A value that is not an IP address says nothing about the client: the proxy's own counts.
      ['nothing', '', real],
      ['only commas', ',,,', real],
      // CVE-2026-18174
      ['a tab inside', '203.0.\t113.1', real],
      ['a word', 'unknown', real],
      ['an obfuscated hop', '_hidden', real],
      ['a name', 'localhost', real],
      ['a number', '3405803777', real],
      ['too high a number', '203.0.113.256', real],
      ['five numbers', '203.0.113.1.1', real],
      ['a range', '203.0.113.0/24', real],
      ['brackets that are not closed', '[2001:db8::1', real],
      ['brackets around a word', '[unknown]:443', real],
      ['too high a port', '203.0.113.1:512345', real],
      ['a port without an address', ':443', real],
      ['two ports', '203.0.113.1:80:80', real],
      ['an octet with leading zeros', '203.0.113.001', real],
      ['markup', '<script>', real],
      ['ten kilobytes', 'a'.repeat(10_000), real],
      ['a thousand hops', Array(1000).fill('203.0.113.1').join(','), '203.0.113.1'],
    ],
  ],
  [
    { TRUST_PROXY: '2' },
    [
      ['both proxies', '203.0.113.1, 198.51.100.1', '203.0.113.1'],
      ['what the client sent before them', '192.0.2.1, 203.0.113.1, 198.51.100.1', '203.0.113.1'],
    ],
  ],
  [
    { TRUST_PROXY: '127.0.0.0/8,10.0.0.0/8' },
    [
      ['one address', '203.0.113.1', '203.0.113.1'],
      ['a proxy behind it', '203.0.113.1, 10.1.2.3', '203.0.113.1'],
      ['ports behind all of them', '203.0.113.1:5, 10.1.2.3:6', '203.0.113.1'],
      ['what the client sent before it', '192.0.2.1, 203.0.113.1, 10.1.2.3', '203.0.113.1'],
      ['a proxy in front of it', '10.1.2.3, 203.0.113.1', '203.0.113.1'],
      ['a mapped proxy', '203.0.113.1, ::ffff:10.1.2.3', '203.0.113.1'],
      ['no address behind it', '203.0.113.1, unknown', real],
    ],
  ],
  [
    { TRUST_PROXY: '10.0.0.0/8' },
    [
      ['somebody who is no proxy', '203.0.113.1', real],
      ['somebody who says to be one', '203.0.113.1, 10.1.2.3', real],
    ],
  ],
])('with %j, X-Forwarded-For of', (env, rows) => {
  let behindProxy: TestServer
  beforeAll(async () => (behindProxy = await server.sibling(env)))

  it.each(rows)('%s', async (_what, sent, seen) => {
    expect(await seenAddress(behindProxy.url, { 'x-forwarded-for': sent })).toBe(seen)
  })
})

describe('attempts of one client', () => {
  let throttled: TestServer
  beforeAll(async () => {
    throttled = await server.sibling({ THROTTLE: 'on', TRUST_PROXY: '1' })
  })

  it.each([
    ['IPv4, plain and mapped', ['203.0.113.9', '::ffff:203.0.113.9', '::ffff:cb00:7109']],
    ['IPv4 on different ports', ['203.0.113.9', '203.0.113.9:1234', '203.0.113.9:65535']],
    // Anyone who has one address of an IPv6 network has all of them.
    ['any address of its /64', ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', '2001:DB8:1:2::ffff']],
    ['no address', ['unknown', '', '_a', '_b', '203.0.113.9:x']],
  ])('are counted together from %s', async (_what, spellings) => {
    const { email } = await server.client.register()
    const guess = (from: string) =>
      throttled.client.send(
        'mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { tokenType } }',
        { email, password: wrongPassword },
        { 'x-forwarded-for': from },
      )
    expect(await countAccepted((index) => guess(spellings[index % spellings.length]!))).toBe(5)
    // A neighbour is someone else.
    for (const neighbour of ['203.0.113.10', '2001:db8:1:3::1']) {
      expect((await guess(neighbour)).code).toBe('INVALID_CREDENTIALS')
    }
  })
})

describe('the log', () => {
  const ask = (url: string, headers: Record<string, string>) =>
    post(url, headers, 'mutation { login(email: "ada@example.com", password: "x") { tokenType } }')
  const warnings = ({ logText }: TestServer) =>
    logText()
      .split('\n')
      .filter((line) => line.includes('"level":"warn"') && line.includes('Forwarded'))
      .map((line) => JSON.parse(line))

  it('says once a minute that a trusted proxy sends what is not an IP address, without any address', async () => {
    const behindProxy = await server.sibling({ TRUST_PROXY: '1' })
    for (const sent of ['203.0.113.7;443', 'unknown', '203.0.113.8;443']) {
      await ask(behindProxy.url, { 'x-forwarded-for': sent })
    }
    expect(warnings(behindProxy)).toEqual([
      expect.objectContaining({
        form: '000.0.000.0;000',
        msg: expect.stringMatching(/^A trusted proxy sent an X-Forwarded-For that is not an IP/),
      }),
    ])
    server.advance(60)
    await ask(behindProxy.url, { 'x-forwarded-for': 'unknown' })
    expect(warnings(behindProxy)[1]).toMatchObject({ form: 'unknown', leftOut: 2 })
    expect(behindProxy.logText()).not.toContain('203.0.113')
  })

  it('says once that a trusted proxy sends no X-Forwarded-For', async () => {
    const behindProxy = await server.sibling({ TRUST_PROXY: '127.0.0.1' })
    await ask(behindProxy.url, { forwarded: 'for=203.0.113.7' })
    await ask(behindProxy.url, {})
    expect(warnings(behindProxy).map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^A trusted proxy sent a request without X-Forwarded-For/),
    ])
  })

  it.each([
    ['TRUST_PROXY is off', 'off', { 'x-forwarded-for': '203.0.113.7' }],
    ['TRUST_PROXY names another proxy', '10.0.0.0/8', { 'x-forwarded-for': '203.0.113.7' }],
    ['the header is Forwarded', 'off', { forwarded: 'for=203.0.113.7' }],
  ])('says once that a forwarded header is ignored when %s', async (_what, trusted, headers) => {
    const unaware = await server.sibling({ TRUST_PROXY: trusted })
    await ask(unaware.url, {})
    expect(warnings(unaware)).toEqual([])
    await ask(unaware.url, headers)
    await ask(unaware.url, headers)
    expect(warnings(unaware).map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/the header is ignored.*set TRUST_PROXY/),
    ])
    expect(unaware.logText()).not.toContain('203.0.113')
  })
})
