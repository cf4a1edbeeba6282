import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadSettings } from '../../src/process/settings.ts'
import { DerivedKeys } from '../../src/core/tokens/derived-keys.ts'
import { encodeRefreshToken } from '../../src/core/tokens/refresh-token.ts'
import { createClient } from '../support/client.ts'
import { eventually } from '../support/patience.ts'
import { startServer, testAppSecret, type TestServer } from '../support/server.ts'

const graceSeconds = 30

describe('a refresh token', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer()))
  afterAll(() => server.close())

  /** The pair that a refresh gives, which must work. */
  const refreshed = async (token: string) => {
    const answer = await server.client.refresh(token)
    expect(answer.errors).toBeUndefined()
    return answer.data.refreshToken as { accessToken: string; refreshToken: string }
  }
  const whyRefused = async (token: string) => {
    const { code, reason, data } = await server.client.refresh(token)
    expect(data).toBeNull()
    return reason === undefined ? code : `${code} ${reason}`
  }
  const reasonFor = async (accessToken: string) =>
    (await server.client.as(accessToken).send('{ protected }')).reason

  it('gets another pair, good for as long as a new sign-in', async () => {
    const { refreshToken, accessToken, user } = await server.client.register()
    server.advance(60)
    const answer = await server.client.send(
      `mutation ($token: String) { refreshToken(refreshToken: $token) {
        accessToken tokenType expiresIn refreshToken refreshExpiresIn user { id }
      } }`,
      { token: refreshToken },
    )
    const pair = answer.data.refreshToken
    expect(pair).toMatchObject({
      tokenType: 'Bearer',
      expiresIn: 15 * 60,
      refreshExpiresIn: 30 * 86_400,
      user: { id: user.id },
    })
    expect(pair.refreshToken).not.toBe(refreshToken)
    expect(pair.accessToken).not.toBe(accessToken)
    expect(await reasonFor(pair.accessToken)).toBeUndefined()
    // The access token of before is not touched by a refresh.
    expect(await reasonFor(accessToken)).toBeUndefined()
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  // RFC 9700 section 4.14.2; two tabs, or a lost response.
  it('gets the same successor again within the grace window, on one line of descent', async () => {
    const first = await server.client.register()
    const second = await refreshed(first.refreshToken)
    server.advance(graceSeconds - 5)
    const again = await refreshed(first.refreshToken)
    expect(again.refreshToken).toBe(second.refreshToken)
    const third = await refreshed(again.refreshToken)
    expect(await refreshed(second.refreshToken)).toMatchObject({ refreshToken: third.refreshToken })
    const me = await server.client.as(first.accessToken).send('{ me { sessions { id } } }')
    expect(me.data.me.sessions).toHaveLength(1)
  })

  it('is not lost with a response that did not arrive', async () => {
    const { refreshToken } = await server.client.register()
    const body = JSON.stringify({
      query: 'mutation ($t: String) { refreshToken(refreshToken: $t) { refreshToken } }',
      variables: { t: refreshToken },
    })
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await eventually(async () => {
      expect(await generationOf(refreshToken)).toBe(1)
    })
    socket.destroy()
    const second = await refreshed(refreshToken)
    expect(await generationOf(second.refreshToken)).toBe(1)
    await refreshed(second.refreshToken)
  })

  // RFC 9700 section 4.14, ASVS 10.4.5.
  it('ends its session when it comes back after the grace window', async () => {
    const first = await server.client.register()
    const second = await refreshed(first.refreshToken)
    server.advance(graceSeconds + 1)
    expect(await whyRefused(first.refreshToken)).toBe('REFRESH_TOKEN_REUSED')
    expect(await whyRefused(first.refreshToken)).toBe('INVALID_REFRESH_TOKEN SESSION_ENDED')
    expect(await whyRefused(second.refreshToken)).toBe('INVALID_REFRESH_TOKEN SESSION_ENDED')
    expect(await reasonFor(second.accessToken)).toBe('SESSION_ENDED')
  })

  // CVE-2026-56750: the whole family ends, and nothing but the family.
  it('ends its session, access tokens and all, when an older one comes back within the window', async () => {
    const account = await server.client.register()
    const elsewhere = (await server.client.login(account.email, account.password)).data.login
    const second = await refreshed(account.refreshToken)
    const third = await refreshed(second.refreshToken)
    expect(await whyRefused(account.refreshToken)).toBe('REFRESH_TOKEN_REUSED')
    for (const { accessToken } of [account, second, third]) {
      expect(await reasonFor(accessToken)).toBe('SESSION_ENDED')
    }
    for (const { refreshToken } of [account, second, third]) {
      expect(await whyRefused(refreshToken)).toBe('INVALID_REFRESH_TOKEN SESSION_ENDED')
    }
    expect(await reasonFor(elsewhere.accessToken)).toBeUndefined()
    await refreshed(elsewhere.refreshToken)
  })

  it('is refused in every spelling but its own, and none of them ends the session', async () => {
    const { refreshToken, accessToken } = await server.client.register()
    const bytes = Buffer.from(refreshToken.slice(4), 'base64url')
    const flipped = (index: number) => {
      const copy = Buffer.from(bytes)
      copy[index]! ^= 1
      return `lkr_${copy.toString('base64url')}`
    }
    const last = refreshToken.at(-1)!
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // The last character has four spare bits, which a lenient decoder drops.
    const respelledLast = alphabet[alphabet.indexOf(last) ^ 1]!
    expect(Buffer.from(refreshToken.slice(4, -1) + respelledLast, 'base64url')).toEqual(bytes)
    const hostile = {
      nothing: '',
      'white space': ' ',
      'only the prefix': 'lkr_',
      'without its prefix': refreshToken.slice(4),
      'with padding': `${refreshToken}=`,
      'a space behind': `${refreshToken} `,
      'a space before': ` ${refreshToken}`,
      'a line break behind': `${refreshToken}\n`,
      'a line break inside': `${refreshToken.slice(0, 30)}\n${refreshToken.slice(30)}`,
      'one character short': refreshToken.slice(0, -1),
      'one character long': `${refreshToken}A`,
      'another last character for the same bytes': refreshToken.slice(0, -1) + respelledLast,
      'the other base64 alphabet': `lkr_${bytes.toString('base64')}`,
      'percent-encoded': refreshToken.replace('_', '%5F'),
      'in capitals': refreshToken.toUpperCase(),
      'another session': flipped(0),
      'another generation': flipped(19),
      'another signature': flipped(51),
      'an access token': accessToken,
      'a session id': bytes.toString('base64url', 0, 16),
      'a NUL inside': `${refreshToken.slice(0, 30)}\0${refreshToken.slice(31)}`,
      'very long': `lkr_${'A'.repeat(90_000)}`,
      'not ASCII': `lkr_${'ä'.repeat(70)}`,
      SQL: "lkr_' or 1=1 --",
      'signed with another secret': encodeRefreshToken(
        { sessionId: bytes.toString('base64url', 0, 16), generation: 0 },
        new DerivedKeys('x'.repeat(32)),
      ),
    }
    for (const [name, token] of Object.entries(hostile)) {
      const why = await whyRefused(token)
      expect({ name, why }).toEqual({ name, why: 'INVALID_REFRESH_TOKEN TOKEN_INVALID' })
    }
    expect(await reasonFor(accessToken)).toBeUndefined()
    await refreshed(refreshToken)
  })

  it('that was never given out, though well signed, ends no session', async () => {
    // As after the restore of a backup: the newest token knows more than the database.
    const { refreshToken } = await server.client.register()
    const sessionId = sessionIdOf(refreshToken)
    const derivedKeys = new DerivedKeys(testAppSecret)
    for (const generation of [1, 7, 0x7f_ff_ff_ff]) {
      const token = encodeRefreshToken({ sessionId, generation }, derivedKeys)
      expect(await whyRefused(token)).toBe('INVALID_REFRESH_TOKEN SESSION_ENDED')
    }
    await refreshed(refreshToken)
  })

  it('is missing, which the response says', async () => {
    const answer = await server.client.send('mutation { refreshToken { accessToken } }')
    expect(answer).toMatchObject({ code: 'INVALID_REFRESH_TOKEN', reason: 'TOKEN_MISSING' })
    expect(answer.errors?.[0]?.message).toBe('No refresh token was sent.')
    const withNull = await server.client.send(
      'mutation { refreshToken(refreshToken: null) { accessToken } }',
    )
    expect(withNull).toMatchObject({ code: 'INVALID_REFRESH_TOKEN', reason: 'TOKEN_MISSING' })
  })

  // ASVS 6.5.2: a copy of the database signs no one in.
  it('is not in the database, nor can it be made from what is there', async () => {
    const { refreshToken, accessToken } = await server.client.register()
    const mac = refreshToken.slice(-43)
    const tables = ['users', 'sessions', 'signing_keys', 'attempt_counters', 'identities']
    const dump = JSON.stringify(
      await Promise.all(tables.map((table) => server.database.query(`select * from ${table}`))),
    )
    expect(dump).toContain(sessionIdOf(refreshToken))
    expect(dump).not.toContain(mac)
    expect(dump).not.toContain(accessToken.split('.')[2])
    const [row] = await server.database.query('select * from sessions where id = ?', [
      sessionIdOf(refreshToken),
    ])
    for (const value of Object.values(row!)) {
      for (const token of [String(value), `lkr_${String(value)}`]) {
        expect(await whyRefused(token)).toBe('INVALID_REFRESH_TOKEN TOKEN_INVALID')
        expect(await reasonFor(token)).toBe('TOKEN_INVALID')
      }
    }
    expect(server.logText()).not.toContain(mac)
  })

  // ASVS 7.2.3: 128 random bits of session id, and no one without the secret makes the rest.
  it('shares no bit with the others', async () => {
    const account = await server.client.register()
    const tokens: string[] = []
    while (tokens.length < 60) {
      const login = await server.client.login(account.email, account.password)
      tokens.push(login.data.login.refreshToken)
    }
    expect(new Set(tokens).size).toBe(tokens.length)
    const ids = tokens.map((token) => Buffer.from(sessionIdOf(token), 'base64url'))
    for (let bit = 0; bit < 128; bit += 1) {
      const ones = ids.filter((id) => (id[bit >> 3]! >> (bit & 7)) & 1).length
      expect(ones).toBeGreaterThan(0)
      expect(ones).toBeLessThan(ids.length)
    }
  })

  it('and its access token pass between servers whose clocks differ by seconds', async () => {
    const ahead = await createApp(
      loadSettings({
        PORT: '0',
        DATABASE_URL: server.database.url,
        APP_SECRET: testAppSecret,
        THROTTLE: 'off',
        LOG_LEVEL: 'silent',
      }),
      { clock: () => server.now() + 5000, passwordCost: 4 },
    )
    try {
      const there = createClient(ahead.url)
      const first = await there.register()
      expect(await reasonFor(first.accessToken)).toBeUndefined()
      const second = await refreshed(first.refreshToken)
      const third = (await there.refresh(second.refreshToken)).data.refreshToken
      const again = await refreshed(second.refreshToken)
      expect(again.refreshToken).toBe(third.refreshToken)
      for (const { accessToken } of [second, third, again]) {
        expect(await reasonFor(accessToken)).toBeUndefined()
        expect((await there.as(accessToken).send('{ protected }')).errors).toBeUndefined()
      }
    } finally {
      await ahead.close()
    }
  })

  async function generationOf(token: string) {
    const [row] = await server.database.query('select generation from sessions where id = ?', [
      sessionIdOf(token),
    ])
    return row?.generation
  }
})

function sessionIdOf(token: string): string {
  return Buffer.from(token.slice(4), 'base64url').toString('base64url', 0, 16)
}
