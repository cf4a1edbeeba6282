import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  startHostileProvider,
  type HostileProvider,
  type Lies,
} from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import {
  begin,
  linkWith,
  openidVariables,
  readAnswer,
  sendLink,
  sendUnlink,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

let people = 0

describe('the accounts of providers that a user has linked', () => {
  let server: TestServer
  let sibling: TestServer
  let providers: Record<string, HostileProvider>
  beforeAll(async () => {
    providers = { one: await startHostileProvider(), two: await startHostileProvider() }
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('one', providers['one']!),
      ...openidVariables('two', providers['two']!),
    })
    sibling = await server.sibling()
  })
  afterAll(async () => {
    await server.close()
    for (const provider of Object.values(providers)) await provider.close()
  })

  const browser = (name: string, sub: string, lies?: Lies) => (url: string) =>
    providers[name]!.authorize(url, sub, lies)
  const signIn = (name: string, sub: string, lies?: Lies) =>
    signInWith(server.client, name, browser(name, sub, lies))
  const link = (accessToken: string, name: string, sub: string, lies?: Lies) =>
    linkWith(server.client.as(accessToken), name, browser(name, sub, lies))
  const unlink = (accessToken: string, name: string, at = server) =>
    sendUnlink(at.client.as(accessToken), name)
  /** A user who has come by a provider, and has nothing else. */
  const newcomer = async (name = 'one') => {
    const sub = `sub-${++people}`
    const { accessToken, user } = (await signIn(name, sub)).data.loginWithProvider
    return { accessToken: accessToken as string, id: user.id as string, sub }
  }
  const identitiesOf = (id: string) =>
    server.database.query(
      'select provider, subject, linked_at from identities where user_id = ? order by provider',
      [id],
    )

  describe('when one is linked', () => {
    it('opens the account from then on, in addition to the ways from before', async () => {
      const { accessToken, user, email, password } = await server.client.register()
      for (const [name, sub] of [
        ['one', 'both'],
        ['two', 'both'],
      ] as const) {
        const answer = await link(accessToken, name, sub, {
          userinfo: { email: `${sub}@${name}.example` },
        })
        expect(answer.errors).toBeUndefined()
      }
      const me = await server.client
        .as(accessToken)
        .send('{ me { email identities { provider email } } }')
      expect(me.data.me).toEqual({
        email,
        identities: [
          { provider: 'one', email: 'both@one.example' },
          { provider: 'two', email: 'both@two.example' },
        ],
      })
      for (const name of ['one', 'two']) {
        expect((await signIn(name, 'both')).data.loginWithProvider.user.id).toBe(user.id)
      }
      expect((await server.client.login(email, password)).data.login.user.id).toBe(user.id)
    })

    it('stays as it is when it is linked again', async () => {
      const { accessToken, user } = await server.client.register()
      await link(accessToken, 'one', 'again')
      const before = await identitiesOf(user.id)
      server.advance(60)
      expect((await link(accessToken, 'one', 'again')).errors).toBeUndefined()
      expect(await identitiesOf(user.id)).toEqual(before)
    })

    it('may be one of two at the same provider', async () => {
      const { accessToken, user } = await server.client.register()
      await link(accessToken, 'one', 'private')
      await link(accessToken, 'one', 'at work')
      for (const sub of ['private', 'at work']) {
        expect((await signIn('one', sub)).data.loginWithProvider.user.id).toBe(user.id)
      }
    })

    it('is not taken from the user who has it', async () => {
      const owner = await newcomer()
      const thief = await server.client.register()
      const answer = await link(thief.accessToken, 'one', owner.sub)
      expect(answer.code).toBe('FORBIDDEN')
      expect(answer.errors![0]!.extensions.provider).toBe('one')
      expect(await identitiesOf(thief.user.id)).toEqual([])
      expect((await signIn('one', owner.sub)).data.loginWithProvider.user.id).toBe(owner.id)
    })

    it('goes to one of two who link it at the same moment', async () => {
      const accounts = await Promise.all([server.client.register(), server.client.register()])
      const answers = await Promise.all(
        accounts.flatMap(({ accessToken }) =>
          [server, sibling, server, sibling].map(({ client }) =>
            linkWith(client.as(accessToken), 'one', browser('one', 'wanted')),
          ),
        ),
      )
      const codes = answers.map(({ code }) => code)
      const outcomes = [codes.slice(0, 4), codes.slice(4)].map((four) => [...new Set(four)].join())
      expect(outcomes.toSorted()).toEqual(['', 'FORBIDDEN'])
    })

    // Forced linking: better-auth GHSA-wxw3-q3m9-c3jr.
    it('was asked for by the user who is signed in', async () => {
      const victim = await server.client.register()
      const attacker = await server.client.register()
      const beginners = [server.client, server.client.as(attacker.accessToken)]
      for (const beginner of beginners) {
        const begun = await begin(beginner, 'one')
        const answer = readAnswer(begun, browser('one', 'attacker')(begun.authorizationUrl))
        expect((await sendLink(server.client.as(victim.accessToken), answer)).code).toBe(
          'INVALID_FLOW',
        )
      }
      expect(await identitiesOf(victim.user.id)).toEqual([])
    })

    it('needs a session that lives', async () => {
      const begun = await begin(server.client, 'one')
      const answer = readAnswer(begun, browser('one', 'nobody')(begun.authorizationUrl))
      const refused = await sendLink(server.client, answer)
      expect([refused.status, refused.code, refused.reason]).toEqual([
        401,
        'UNAUTHENTICATED',
        'TOKEN_MISSING',
      ])
    })

    it.each([
      ['ended', 'delete from sessions where user_id = ?', 'SESSION_ENDED'],
      [
        'closed with the account',
        'update users set disabled_at = 1 where id = ?',
        'ACCOUNT_DISABLED',
      ],
      ['gone with the account', 'delete from users where id = ?', 'SESSION_ENDED'],
    ])(
      'needs one that was not %s while the provider was asked',
      async (_what, statement, reason) => {
        const { accessToken, user } = await server.client.register()
        const provider = providers['one']!
        const sub = `sub-${++people}`
        provider.answering['userinfo'] = (response, answer) => {
          void server.database.query(statement, [user.id]).then(() => {
            response.writeHead(200, { 'content-type': 'application/json' })
            response.end(JSON.stringify(answer))
          })
        }
        const refused = await link(accessToken, 'one', sub)
        delete provider.answering['userinfo']
        expect([refused.code, refused.reason]).toEqual(['UNAUTHENTICATED', reason])
        expect(await identitiesOf(user.id)).toEqual([])
      },
    )
  })

  describe('when one is unlinked', () => {
    it('opens the account no longer', async () => {
      const { accessToken, id, sub } = await newcomer()
      await link(accessToken, 'two', sub)
      const answer = await unlink(accessToken, 'one')
      expect(answer.data.unlinkProvider.identities).toEqual([{ provider: 'two', email: null }])
      expect((await signIn('two', sub)).data.loginWithProvider.user.id).toBe(id)
      expect((await signIn('one', sub)).data.loginWithProvider.user.id).not.toBe(id)
    })

    it('goes with the other one at the same provider', async () => {
      const { accessToken, user } = await server.client.register()
      await link(accessToken, 'one', `sub-${++people}`)
      await link(accessToken, 'one', `sub-${++people}`)
      expect((await unlink(accessToken, 'one')).data.unlinkProvider.identities).toEqual([])
      expect(await identitiesOf(user.id)).toEqual([])
    })

    it('takes the sessions with it that it started, but for the one that asks', async () => {
      const { accessToken, sub } = await newcomer()
      await link(accessToken, 'two', sub)
      const tokens: Record<string, string> = { asking: accessToken }
      tokens['one'] = (await signIn('one', sub)).data.loginWithProvider.accessToken
      tokens['two'] = (await signIn('two', sub)).data.loginWithProvider.accessToken
      expect((await unlink(accessToken, 'one')).errors).toBeUndefined()
      const reasons = []
      for (const name of ['asking', 'one', 'two']) {
        reasons.push((await server.client.as(tokens[name]!).send('{ me { id } }')).reason)
      }
      expect(reasons).toEqual([undefined, 'SESSION_ENDED', undefined])
    })

    it('is unknown if it was never linked, or is no longer', async () => {
      const { accessToken } = await newcomer()
      expect((await unlink(accessToken, 'two')).code).toBe('UNKNOWN_PROVIDER')
      expect((await sendUnlink(server.client, 'one')).code).toBe('UNAUTHENTICATED')
    })

    it('stays if it is the only way to sign in', async () => {
      const { accessToken, id, sub } = await newcomer()
      const answer = await unlink(accessToken, 'one')
      expect(answer.code).toBe('LAST_CREDENTIAL')
      expect(answer.errors![0]!.extensions.provider).toBe('one')
      expect((await signIn('one', sub)).data.loginWithProvider.user.id).toBe(id)
      expect((await server.client.as(accessToken).send('{ me { id } }')).errors).toBeUndefined()
    })

    it('may go once there is a password to come in by', async () => {
      const sub = `sub-${++people}`
      const email = `${sub}@example.com`
      const { accessToken } = (await signIn('one', sub, { userinfo: { email } })).data
        .loginWithProvider
      const change = `mutation { changePassword(newPassword: "a password of my own") { accessToken } }`
      const changed = await server.client.as(accessToken).send(change)
      expect(changed.errors).toBeUndefined()
      expect((await unlink(accessToken, 'one')).errors).toBeUndefined()
      expect((await server.client.login(email, 'a password of my own')).errors).toBeUndefined()
    })

    it('stays if the password is of no use, for want of an address', async () => {
      const { accessToken } = await newcomer()
      const change = `mutation { changePassword(newPassword: "a password of my own") { accessToken } }`
      expect((await server.client.as(accessToken).send(change)).errors).toBeUndefined()
      expect((await unlink(accessToken, 'one')).code).toBe('LAST_CREDENTIAL')
    })

    it('stays when the password is one of an operator that has expired', async () => {
      const { accessToken, user } = await server.client.register()
      await link(accessToken, 'one', `sub-${++people}`)
      await server.database.query('update users set password_expires_at = ? where id = ?', [
        server.now(),
        user.id,
      ])
      expect((await unlink(accessToken, 'one')).code).toBe('LAST_CREDENTIAL')
      expect(await identitiesOf(user.id)).toHaveLength(1)
    })

    it('stays if the other one is of a provider that the server has no more', async () => {
      const { accessToken, id } = await newcomer()
      await link(accessToken, 'two', `sub-${++people}`)
      await server.database.query(
        "update identities set provider = 'gone' where user_id = ? and provider = 'two'",
        [id],
      )
      expect((await unlink(accessToken, 'one')).code).toBe('LAST_CREDENTIAL')
      expect((await unlink(accessToken, 'gone')).errors).toBeUndefined()
    })

    it('leaves one of two that are unlinked at the same moment', async () => {
      const everybody = await Promise.all(Array.from({ length: 5 }, () => newcomer()))
      for (const { accessToken, sub } of everybody) await link(accessToken, 'two', sub)
      const answers = await Promise.all(
        everybody.map(({ accessToken }) =>
          Promise.all([unlink(accessToken, 'one', server), unlink(accessToken, 'two', sibling)]),
        ),
      )
      for (const pair of answers) {
        expect(new Set(pair.map(({ code }) => code))).toEqual(
          new Set([undefined, 'LAST_CREDENTIAL']),
        )
      }
      for (const { id } of everybody) expect(await identitiesOf(id)).toHaveLength(1)
    })
  })
})
