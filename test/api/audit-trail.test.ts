// ASVS 16.3.1 to 16.3.4: who did what, when, from where, and what came of it; each of it once.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { eventsOf, inWords, loggedEvents, signedUp, sinceSignUp } from '../support/audit.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => (server = await startServer()))
afterAll(() => server.close())

const change = (old: string | null, next: string) =>
  [
    'mutation ($old: String, $new: String!) { changePassword(currentPassword: $old, newPassword: $new) { accessToken } }',
    { old, new: next },
  ] as const

const since = (userId: string) => sinceSignUp(server, userId)

describe('the audit trail', () => {
  it('has a sign-up and a sign-in with time, session, address, browser and request', async () => {
    const before = server.now()
    const { user, email, password } = await server.client.register()
    const answer = await server.client.send(
      'mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { user { sessions { id current } } } }',
      { email, password },
      { 'user-agent': `Browser/1.0 ${'x'.repeat(600)}` },
    )
    const [created, first, second] = await eventsOf(server, user.id)
    expect(inWords([created!, first!, second!])).toEqual([...signedUp, 'SIGNED_IN password'])
    const { sessions } = answer.data.login.user
    const current = sessions.find((session: { current: boolean }) => session.current)
    expect(second).toMatchObject({
      session_id: current.id,
      ip: '127.0.0.1',
      user_agent: `Browser/1.0 ${'x'.repeat(500)}`,
      request_id: answer.headers.get('x-request-id'),
      operator: null,
    })
    const { occurred_at: at } = second as unknown as { occurred_at: number | string }
    expect(Number(at)).toBeGreaterThanOrEqual(before)
    expect(Number(at)).toBeLessThanOrEqual(server.now())
  })

  it('has refused sign-ins with their cause', async () => {
    const { user, email, password } = await server.client.register()
    await server.client.login(email, 'not the password')
    await server.client.login(email, 'short')
    await server.client.login(email, 'x'.repeat(5000))
    await server.database.query('update users set password_hash = null where id = ?', [user.id])
    await server.client.login(email, password)
    expect(await since(user.id)).toEqual([
      'SIGN_IN_FAILED WRONG_PASSWORD password by ANONYMOUS',
      'SIGN_IN_FAILED WRONG_PASSWORD password by ANONYMOUS',
      'SIGN_IN_FAILED WRONG_PASSWORD password by ANONYMOUS',
      'SIGN_IN_FAILED NO_PASSWORD password by ANONYMOUS',
    ])
  })

  it('has the right password of a disabled account as refused', async () => {
    const { user, email, password } = await server.client.register()
    await server.database.query('update users set disabled_at = 1 where id = ?', [user.id])
    await server.client.login(email, password)
    expect(await since(user.id)).toEqual(['SIGN_IN_FAILED ACCOUNT_DISABLED password by ANONYMOUS'])
  })

  // What is typed into the wrong box is a password.
  it('records of a sign-in to no account only its origin, and nothing that was typed', async () => {
    const before = (await eventsOf(server, null)).length
    const typed = ['nobody.at.all@example.com', 'correct horse battery', 'another secret']
    await server.client.login(typed[0]!, typed[2]!)
    await server.client.login(typed[1]!, typed[2]!)
    const events = (await eventsOf(server, null)).slice(before)
    expect(inWords(events)).toEqual([
      'SIGN_IN_FAILED UNKNOWN_ACCOUNT password by ANONYMOUS',
      'SIGN_IN_FAILED UNKNOWN_ACCOUNT password by ANONYMOUS',
    ])
    expect(events[0]!.ip).toBe('127.0.0.1')
    for (const text of typed) expect(JSON.stringify(events)).not.toContain(text)
  })

  it('has nothing of a refresh, nor of the same token in time', async () => {
    const { user, refreshToken } = await server.client.register()
    const next = await server.client.refresh(refreshToken)
    await server.client.refresh(refreshToken)
    await server.client.refresh(next.data.refreshToken.refreshToken)
    await server.client.refresh('lkr_nonsense')
    expect(await since(user.id)).toEqual([])
  })

  // Security case RT-02.
  it('has a refresh token that came back once, however many copies of it come at once', async () => {
    const own = await startServer()
    const { user, refreshToken } = await own.client.register()
    await own.client.refresh(refreshToken)
    own.advance(60)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => own.client.refresh(refreshToken)),
    )
    expect(answers.map(({ code }) => code)).toContain('REFRESH_TOKEN_REUSED')
    const events = await eventsOf(own, user.id)
    expect(inWords(events).slice(2)).toEqual(['REFRESH_TOKEN_REUSED -1 by ANONYMOUS'])
    expect(events[2]!.session_id).toBe(events[1]!.session_id)
  })

  it('has each way in which sessions end, once', async () => {
    const account = await server.client.register()
    const { user, email, password, accessToken, refreshToken } = account
    const login = async () => (await server.client.login(email, password)).data.login
    const me = server.client.as(accessToken)
    const signIns = ['SIGNED_IN password', 'SIGNED_IN password', 'SIGNED_IN password']

    const one = await login()
    await server.client.as(one.accessToken).send('mutation { logout }')
    await server.client.as(one.accessToken).send('mutation { logout }')
    const two = await login()
    const by = 'mutation ($token: String) { logout(refreshToken: $token) }'
    await server.client.send(by, { token: two.refreshToken })
    await server.client.send(by, { token: two.refreshToken })
    const three = await login()
    const sessions = await server.client
      .as(three.accessToken)
      .send('{ me { sessions { id current } } }')
    const { id } = sessions.data.me.sessions.find((each: { current: boolean }) => each.current)
    const revoke = 'mutation ($id: ID!) { revokeSession(id: $id) }'
    expect((await me.send(revoke, { id })).data).toEqual({ revokeSession: true })
    expect((await me.send(revoke, { id })).data).toEqual({ revokeSession: false })
    expect(await since(user.id)).toEqual([
      signIns[0],
      'SESSION_ENDED LOGOUT -1',
      signIns[1],
      'SESSION_ENDED LOGOUT -1',
      signIns[2],
      'SESSION_ENDED REVOKED -1',
    ])

    await login()
    await login()
    await me.send('mutation { logout(scope: OTHERS) }')
    await me.send('mutation { logout(scope: OTHERS) }')
    await login()
    await me.send('mutation { logout(scope: ALL) }', undefined, { cookie: '' })
    expect((await since(user.id)).slice(6)).toEqual([
      ...signIns.slice(0, 2),
      'SESSION_ENDED LOGOUT_OTHERS -2',
      signIns[0],
      'SESSION_ENDED LOGOUT_ALL -2',
    ])
    expect(refreshToken).toBeTruthy()
  })

  it('does not give one user the end of a session of another', async () => {
    const victim = await server.client.register()
    const stranger = await server.client.register()
    const [, signedIn] = await eventsOf(server, victim.user.id)
    await server.client
      .as(stranger.accessToken)
      .send('mutation ($id: ID!) { revokeSession(id: $id) }', { id: signedIn!.session_id })
    expect(await since(victim.user.id)).toEqual([])
    expect(await since(stranger.user.id)).toEqual([])
  })

  it('has a new password with what it ended, and a wrong current one', async () => {
    const { user, email, password, accessToken } = await server.client.register()
    await server.client.login(email, password)
    const me = server.client.as(accessToken)
    await me.send(...change('not the password', 'another password'))
    await me.send(...change(password, 'short'))
    expect((await me.send(...change(password, 'another password'))).errors).toBeUndefined()
    await server.database.query('update users set password_hash = null where id = ?', [user.id])
    expect((await me.send(...change(null, 'a third password'))).errors).toBeUndefined()
    expect(await since(user.id)).toEqual([
      'SIGNED_IN password',
      'PASSWORD_CHANGE_FAILED WRONG_PASSWORD',
      'PASSWORD_CHANGED -1',
      'PASSWORD_SET -0',
    ])
  })

  it('has the session that a hundred and first one crowds out', async () => {
    const { user, email, password } = await server.client.register()
    for (let count = 0; count < 100; count++) {
      await server.database.query(
        `insert into sessions (id, user_id, method, generation, rotated_at, created_at, last_used_at,
          expires_at, ends_at, user_agent, ip)
        select ?, user_id, method, 0, null, 1, 1, expires_at, ends_at, null, null
        from sessions where user_id = ? and generation = 0 and created_at > 1 limit 1`,
        [`${user.id.slice(0, 16)}${String(count).padStart(6, '0')}`, user.id],
      )
    }
    await server.client.login(email, password)
    expect(await since(user.id)).toEqual([
      'SIGNED_IN password',
      'SESSION_ENDED TOO_MANY_SESSIONS -2',
    ])
  })

  it('has nothing of what was rolled back, nor has the log', async () => {
    const { user, email, password } = await server.client.register()
    const before = loggedEvents(server).length
    // The last statement of a sign-in's transaction fails.
    await server.database.query('alter table audit_events rename column sessions_ended to lost')
    const answer = await server.client.login(email, password)
    await server.database.query('alter table audit_events rename column lost to sessions_ended')
    expect(answer.code).toBe('INTERNAL_SERVER_ERROR')
    expect(await since(user.id)).toEqual([])
    expect(loggedEvents(server)).toHaveLength(before)
    const rows = await server.database.query('select id from sessions where user_id = ?', [user.id])
    expect(rows).toHaveLength(1)
  })

  it('announces nothing before the transaction is committed', async () => {
    const { user, email, password, accessToken } = await server.client.register()
    const { refreshToken } = (await server.client.login(email, password)).data.login
    const before = loggedEvents(server).length
    const logout = () =>
      server.client
        .as(accessToken)
        .send('mutation ($t: String) { logout(refreshToken: $t) }', { t: refreshToken })
    // It ends two sessions; the first event is recorded, the second one fails.
    await allowOneEnd(server, user.id)
    try {
      expect((await logout()).code).toBe('INTERNAL_SERVER_ERROR')
    } finally {
      await allowAllEnds(server)
    }
    expect(loggedEvents(server)).toHaveLength(before)
    expect(await since(user.id)).toEqual(['SIGNED_IN password'])
    expect((await logout()).data).toEqual({ logout: true })
    expect(loggedEvents(server)).toHaveLength(before + 2)
  })

  it('is in the log as well: each event once, with its request, without address and browser', async () => {
    const own = await startServer({ LOG_LEVEL: 'info' })
    const { user, email, password, accessToken } = await own.client.register()
    await own.client.login(email, 'not the password')
    await own.client.login(email, password)
    await own.client.as(accessToken).send('mutation { logout(scope: ALL) }')
    const stored = await eventsOf(own, user.id)
    expect(loggedEvents(own)).toEqual(
      stored.map((event) => ({
        ...JSON.parse(
          JSON.stringify({
            type: event.type,
            userId: user.id,
            actor: event.actor,
            reason: event.reason ?? undefined,
            method: event.method ?? undefined,
            sessionId: event.session_id ?? undefined,
            sessionsEnded: event.sessions_ended ?? undefined,
          }),
        ),
        id: expect.stringMatching(/^[\da-f-]{36}$/),
        requestId: event.request_id,
      })),
    )
    for (const line of own
      .logText()
      .split('\n')
      .filter((text) => text.includes('"audit"'))) {
      expect(line).not.toMatch(/127\.0\.0\.1|user_?agent|node/i)
    }
  })
})

/** Has the database refuse the second end of a session of the account. */
async function allowOneEnd({ database }: TestServer, userId: string): Promise<void> {
  const isSecond = `new.type = 'SESSION_ENDED' and exists (
    select 1 from audit_events where type = 'SESSION_ENDED' and user_id = '${userId}')`
  if (inject('engine') === 'sqlite') {
    await database.query(`create trigger one_end before insert on audit_events when ${isSecond}
      begin select raise(abort, 'only one'); end`)
    return
  }
  await database.query(`create function one_end() returns trigger language plpgsql as $$
    begin
      if ${isSecond} then raise exception 'only one'; end if;
      return new;
    end $$`)
  await database.query(
    'create trigger one_end before insert on audit_events for each row execute function one_end()',
  )
}

async function allowAllEnds({ database }: TestServer): Promise<void> {
  await database.query(
    inject('engine') === 'sqlite' ? 'drop trigger one_end' : 'drop trigger one_end on audit_events',
  )
}
