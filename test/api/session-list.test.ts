import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tokens } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { decodeCompact } from '../support/signing.ts'

const sessionFields = 'id createdAt lastUsedAt expiresAt userAgent ip method current'

interface Session {
  readonly id: string
  readonly createdAt: string
  readonly lastUsedAt: string
  readonly expiresAt: string
  readonly userAgent: string | null
  readonly ip: string | null
  readonly method: string
  readonly current: boolean
}

describe('the list of my sessions', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer()))
  afterAll(() => server.close())

  const sessionsOf = async ({ accessToken }: Pick<Tokens, 'accessToken'>) => {
    const answer = await server.client
      .as(accessToken)
      .send(`{ me { sessions { ${sessionFields} } } }`)
    expect(answer.errors).toBeUndefined()
    return answer.data.me.sessions as Session[]
  }
  const loginFrom = async (account: { email: string; password: string }, userAgent: string) => {
    const answer = await server.client.send(
      `mutation ($email: String!, $password: String!) {
        login(email: $email, password: $password) { accessToken refreshToken user { id } }
      }`,
      { email: account.email, password: account.password },
      { 'user-agent': userAgent },
    )
    return answer.data.login as Tokens
  }
  const revoke = (tokens: Pick<Tokens, 'accessToken'>, id: string) =>
    server.client
      .as(tokens.accessToken)
      .send('mutation ($id: ID!) { revokeSession(id: $id) }', { id })

  // ASVS 7.5.2.
  it('shows where and when, and which of them asks', async () => {
    const account = await server.client.register()
    server.advance(60)
    const phone = await loginFrom(account, 'Telephone/1.0')
    const [first, second, ...more] = await sessionsOf(phone)
    expect(more).toEqual([])
    expect(first).toMatchObject({
      id: decodeCompact(phone.accessToken).claims.sid,
      userAgent: 'Telephone/1.0',
      ip: '127.0.0.1',
      method: 'password',
      current: true,
    })
    expect(second).toMatchObject({ current: false })
    const day = 86_400_000
    expect(Date.parse(first!.createdAt) - Date.parse(second!.createdAt)).toBeGreaterThan(59_000)
    expect(first!.lastUsedAt).toBe(first!.createdAt)
    expect(Date.parse(first!.expiresAt) - Date.parse(first!.createdAt)).toBe(30 * day)
    // Seen from the other device, the other one is the current one.
    const currents = (await sessionsOf(account)).map(({ id, current }) => [id, current])
    expect(currents).toEqual([
      [first!.id, false],
      [second!.id, true],
    ])
  })

  it('says from where the last refresh came', async () => {
    const account = await server.client.register()
    const [before] = await sessionsOf(account)
    server.advance(100)
    const answer = await server.client.send(
      'mutation ($t: String) { refreshToken(refreshToken: $t) { accessToken } }',
      { t: account.refreshToken },
      { 'user-agent': 'Another/2.0' },
    )
    const [after] = await sessionsOf(answer.data.refreshToken)
    expect(after).toMatchObject({
      id: before!.id,
      createdAt: before!.createdAt,
      userAgent: 'Another/2.0',
      ip: '127.0.0.1',
    })
  })

  it('also comes with the response of a sign-in, in which the new one is current', async () => {
    const account = await server.client.register()
    const answer = await server.client.send(
      'mutation ($e: String!, $p: String!) { login(email: $e, password: $p) { user { sessions { current } } } }',
      { e: account.email, p: account.password },
    )
    expect(answer.data.login.user.sessions.map((session: Session) => session.current)).toEqual([
      true,
      false,
    ])
  })

  it('does not show a session that has expired and has not been swept yet', async () => {
    const account = await server.client.register()
    const phone = await loginFrom(account, 'Telephone/1.0')
    const { sid } = decodeCompact(account.accessToken).claims
    await server.database.query('update sessions set expires_at = ? where id = ?', [
      server.now(),
      String(sid),
    ])
    expect((await sessionsOf(phone)).map(({ current }) => current)).toEqual([true])
    expect(
      await server.database.query('select id from sessions where id = ?', [String(sid)]),
    ).toHaveLength(1)
  })

  it('keeps what a browser says of itself within bounds', async () => {
    const account = await server.client.register()
    const long = await loginFrom(account, `<script>${'x'.repeat(2000)}`)
    const [session] = await sessionsOf(long)
    expect(session!.userAgent).toBe(`<script>${'x'.repeat(504)}`)
  })

  // CVE-2026-39381: neither other users's, nor anything that signs in.
  it('holds no other user’s session, and no credential', async () => {
    const [mine, theirs] = [await server.client.register(), await server.client.register()]
    const [session] = await sessionsOf(mine)
    expect(await sessionsOf(mine)).toHaveLength(1)
    expect((await sessionsOf(theirs))[0]!.id).not.toBe(session!.id)
    for (const credential of [session!.id, `lkr_${session!.id}`]) {
      expect((await server.client.as(credential).send('{ protected }')).reason).toBe(
        'TOKEN_INVALID',
      )
      expect((await server.client.refresh(credential)).reason).toBe('TOKEN_INVALID')
    }
    const anonymous = await server.client.send('{ me { sessions { id } } }')
    expect(anonymous).toMatchObject({ data: null, reason: 'TOKEN_MISSING' })
  })

  it('loses the session that I revoke, at once', async () => {
    const account = await server.client.register()
    const other = await loginFrom(account, 'Lost/1.0')
    const [lost] = await sessionsOf(other)
    expect((await revoke(account, lost!.id)).data).toEqual({ revokeSession: true })
    expect(await sessionsOf(account)).toHaveLength(1)
    expect((await server.client.as(other.accessToken).send('{ me { id } }')).reason).toBe(
      'SESSION_ENDED',
    )
    expect((await server.client.refresh(other.refreshToken)).reason).toBe('SESSION_ENDED')
    expect((await revoke(account, lost!.id)).data).toEqual({ revokeSession: false })
    // My own, too.
    const [own] = await sessionsOf(account)
    expect((await revoke(account, own!.id)).data).toEqual({ revokeSession: true })
    expect(await revoke(account, own!.id)).toMatchObject({ status: 401, reason: 'SESSION_ENDED' })
  })

  it('keeps a session that another user tries to revoke, or whose name is garbage', async () => {
    const [mine, theirs] = [await server.client.register(), await server.client.register()]
    const [session] = await sessionsOf(theirs)
    const id = session!.id
    const garbage = [
      id,
      id.toLowerCase() === id ? id.toUpperCase() : id.toLowerCase(),
      'A'.repeat(22),
      '',
      ' ',
      `${id} `,
      `${id}\n`,
      `${id}=`,
      id.slice(0, 21),
      `${id.slice(0, 21)}\0`,
      `\0${id}`,
      '%',
      "' or '1'='1",
      '__proto__',
      '0',
      'x'.repeat(90_000),
      '\u{1f4a5}'.repeat(11),
    ]
    for (const name of garbage) {
      const { data } = await revoke(mine, name)
      expect({ name, data }).toEqual({ name, data: { revokeSession: false } })
    }
    expect(await sessionsOf(theirs)).toHaveLength(1)
    expect(await sessionsOf(mine)).toHaveLength(1)
    const anonymous = await server.client.send('mutation ($id: ID!) { revokeSession(id: $id) }', {
      id,
    })
    expect(anonymous).toMatchObject({ status: 401, reason: 'TOKEN_MISSING' })
    expect(await sessionsOf(theirs)).toHaveLength(1)
  })

  // CVE-2026-32742: what the server sets, no client can.
  it.each([
    'mutation { register(email: "x@example.com", password: "correct horse", expiresAt: 9) { tokenType } }',
    'mutation { register(email: "x@example.com", password: "correct horse", userId: "1") { tokenType } }',
    'mutation { login(email: "x@example.com", password: "correct horse", sessionId: "1") { tokenType } }',
    'mutation { login(email: "x@example.com", password: "correct horse", generation: 0) { tokenType } }',
    'mutation { refreshToken(refreshToken: "x", expiresAt: null) { tokenType } }',
    'mutation { refreshToken(refreshToken: "x", userId: "") { tokenType } }',
    'mutation { revokeSession(id: "x", userId: "1") }',
    'mutation { logout(scope: ALL, userId: "1") }',
    'mutation { createSession(userId: "1") { id } }',
    'mutation { updateSession(id: "1", expiresAt: false) { id } }',
  ])('takes nothing that only the server sets: %s', async (mutation) => {
    const { accessToken } = await server.client.register()
    const answer = await server.client.as(accessToken).send(mutation)
    expect(answer).toMatchObject({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' })
    expect(answer.data).toBeUndefined()
  })
})
