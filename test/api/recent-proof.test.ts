// ASVS 7.5.1, RFC 9470: an access token alone does not change who may sign in.
import 'reflect-metadata'
import { Ctx, Field, FieldResolver, Mutation, ObjectType, Query, Resolver } from 'type-graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Context } from '../../src/context.ts'
import { Authorized, Fresh } from '../../src/graphql/authorized.ts'
import { Role } from '../../src/core/users/role.ts'
import { schemaWith } from '../support/schema-with.ts'
import type { Answer } from '../support/client.ts'
import { startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import { longAgo, sendReauthenticate, sidOf } from '../support/proof.ts'
import {
  begin,
  openidVariables,
  readAnswer,
  sendLink,
  sendUnlink,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { currentKey, decodeCompact, signCompact } from '../support/signing.ts'

let runs = 0
let searches = 0
const ran = () => `ran ${++runs}`

@ObjectType('Vault')
class Vault {
  @Authorized()
  @Fresh({ maxAge: '5m' })
  @Field(() => String, { simple: true, nullable: true })
  plain?: string

  @Authorized()
  @Fresh({ maxAge: '5m' })
  @Field(() => String)
  property!: string

  // Without @Authorized: it still needs someone who is signed in.
  @Fresh({ maxAge: '5m' })
  @Field(() => String)
  alone!: string

  @Field(() => String)
  open!: string
}

@Resolver(() => Vault)
class VaultResolver {
  @Query(() => Vault)
  vault(): Vault {
    return { plain: 'a', property: 'b', alone: 'c', open: 'd' }
  }

  /** Counts what the request looks for from now on. */
  @Query(() => Boolean)
  watch(@Ctx() { em }: Context): boolean {
    const find = em.find.bind(em)
    em.find = ((...args: Parameters<typeof find>) => {
      searches += 1
      return find(...args)
    }) as typeof em.find
    return true
  }

  @Query(() => [Vault])
  vaults(): Vault[] {
    return [this.vault(), this.vault()]
  }

  @FieldResolver(() => Vault)
  inner(): Vault {
    return this.vault()
  }

  @Authorized()
  @Fresh({ maxAge: '5m' })
  @FieldResolver(() => String)
  resolved(): string {
    return ran()
  }

  @Authorized(Role.ADMIN)
  @Fresh({ maxAge: '5m' })
  @Query(() => String)
  ofAdmins(): string {
    return ran()
  }

  @Authorized()
  @Fresh({ maxAge: '1h' })
  @Mutation(() => String)
  withinAnHour(): string {
    return ran()
  }

  @Authorized()
  @Fresh({ maxAge: '5m' })
  @Mutation(() => String)
  withinMinutes(): string {
    return ran()
  }
}

const schema = schemaWith(VaultResolver)

describe('a field that needs a recent proof', () => {
  let server: TestServer
  let provider: HostileProvider
  beforeAll(async () => {
    provider = await startHostileProvider()
    server = await startServer(
      { REDIRECT_URIS: redirectUri, ...openidVariables('acme', provider) },
      { schema },
    )
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
  })

  const asked = (answer: Answer) => [answer.status, answer.code]
  const required = [401, 'REAUTHENTICATION_REQUIRED']
  const codesOf = (answer: Answer) => answer.errors?.map(({ extensions }) => extensions.code)
  const mutate = (accessToken: string, field = 'withinMinutes') =>
    server.client.as(accessToken).send(`mutation { ${field} }`)
  const browser = (sub: string) => (url: string) => provider.authorize(url, sub)
  /** A user who came by the provider, and has no password. */
  const newcomer = async () => {
    const sub = `sub-${++runs}`
    const answer = await signInWith(server.client, 'acme', browser(sub))
    return { ...answer.data.loginWithProvider, sub } as {
      accessToken: string
      refreshToken: string
      user: { id: string }
      sub: string
    }
  }

  it('says how old the proof may be, and with what it can be given', async () => {
    const user = await longAgo(server, await server.client.register())
    const answer = await mutate(user.accessToken)
    expect(asked(answer)).toEqual(required)
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", max_age=300',
    )
    expect(answer.errors![0]!.extensions).toEqual({
      code: 'REAUTHENTICATION_REQUIRED',
      maxAge: 300,
      methods: ['password'],
    })
    expect(answer.data).toBeNull()
  })

  it('names the providers that are linked and that the server has', async () => {
    const user = await longAgo(server, await newcomer())
    await server.database.query(
      `insert into identities (id, user_id, provider, subject, email, linked_at)
       values ('${crypto.randomUUID()}', ?, 'gone', ?, null, 1)`,
      [user.user.id, user.sub],
    )
    const { extensions } = (await mutate(user.accessToken)).errors![0]!
    expect(extensions).toMatchObject({ methods: ['acme'] })
  })

  it('looks once for the ways to prove it, however many fields are refused', async () => {
    const user = await longAgo(server, await newcomer())
    const answer = await server.client
      .as(user.accessToken)
      .send('{ watch a: vaults { plain } b: vaults { plain } }')
    expect(answer.errors?.map(({ extensions }) => extensions)).toMatchObject(
      Array.from({ length: 4 }, () => ({ methods: ['acme'] })),
    )
    expect(searches).toBe(1)
  })

  it('asks for the most recent proof that several fields need, in the header', async () => {
    const user = await longAgo(server, await server.client.register(), 7200)
    const answer = await mutate(user.accessToken, 'a: withinAnHour b: withinMinutes')
    // The first failure of a field that must not be null ends the operation: the second never runs.
    expect(codesOf(answer)).toEqual(['REAUTHENTICATION_REQUIRED'])
    const both = await server.client.as(user.accessToken).send('{ vault { property resolved } }')
    expect(both.headers.get('www-authenticate')).toContain('max_age=300')
  })

  it('lets a token through whose user has just signed in, and for as long as the field says', async () => {
    const registered = await server.client.register()
    expect((await mutate(registered.accessToken)).errors).toBeUndefined()
    const ages: [number, string, unknown][] = [
      [290, 'withinMinutes', undefined],
      [310, 'withinMinutes', ['REAUTHENTICATION_REQUIRED']],
      [3590, 'withinAnHour', undefined],
      [3610, 'withinAnHour', ['REAUTHENTICATION_REQUIRED']],
    ]
    for (const [age, field, codes] of ages) {
      const { accessToken } = await longAgo(server, await server.client.register(), age)
      expect({ age, codes: codesOf(await mutate(accessToken, field)) }).toEqual({ age, codes })
    }
  })

  it('does not run before it is let through, in a mutation with another field either', async () => {
    const { accessToken } = await longAgo(server, await server.client.register())
    const before = runs
    await mutate(accessToken)
    await mutate(accessToken, 'a: withinMinutes b: withinMinutes')
    expect(runs).toBe(before)
  })

  it.each([
    ['an alias', '{ a: vault { b: property } }'],
    [
      'a fragment',
      '{ ...F } fragment F on Query { vault { ...G } } fragment G on Vault { property }',
    ],
    ['an inline fragment', '{ ... on Query { vault { ... on Vault { property } } } }'],
    ['a nested type', '{ vault { inner { inner { property } } } }'],
    ['a list', '{ vaults { property } }'],
    ['a field with a resolver', '{ vault { resolved } }'],
    ['a property that type-graphql calls simple', '{ vault { plain } }'],
    ['a field without @Authorized', '{ vault { alone } }'],
    ['a directive', 'query ($yes: Boolean = true) { vault { property @include(if: $yes) } }'],
  ])('is guarded when it is reached by %s', async (_what, query) => {
    const registered = await server.client.register()
    const fresh = await server.client.as(registered.accessToken).send(query)
    expect(fresh.errors).toBeUndefined()
    const stale = await longAgo(server, registered)
    const refused = await server.client.as(stale.accessToken).send(query)
    expect(new Set(codesOf(refused))).toEqual(new Set(['REAUTHENTICATION_REQUIRED']))
    const anonymous = await server.client.send(query)
    expect(new Set(codesOf(anonymous))).toEqual(new Set(['UNAUTHENTICATED']))
    const ended = await server.client
      .as(registered.accessToken.replace(/\.[^.]+\./, '.e30.'))
      .send(query)
    expect(new Set(codesOf(ended))).toEqual(new Set(['UNAUTHENTICATED']))
  })

  it('asks no one for a proof whose role would not do', async () => {
    const { accessToken } = await longAgo(server, await server.client.register())
    const answer = await server.client.as(accessToken).send('{ ofAdmins }')
    expect(asked(answer)).toEqual([403, 'FORBIDDEN'])
  })

  it('leaves its neighbours alone', async () => {
    const { accessToken } = await longAgo(server, await server.client.register())
    const answer = await server.client.as(accessToken).send('{ vault { open plain } }')
    expect(answer.status).toBe(200)
    expect(answer.data).toEqual({ vault: { open: 'd', plain: null } })
    expect(answer.code).toBe('REAUTHENTICATION_REQUIRED')
  })

  describe('by which an account is signed in to', () => {
    const flowOf = async (accessToken: string, sub: string) => {
      const begun = await begin(server.client.as(accessToken), 'acme')
      return readAnswer(begun, provider.authorize(begun.authorizationUrl, sub))
    }

    it('is not linked, and its flow is still good after the proof', async () => {
      const user = await longAgo(server, await server.client.register())
      const answer = await flowOf(user.accessToken, `sub-${++runs}`)
      const requests = provider.requests.length
      expect(asked(await sendLink(server.client.as(user.accessToken), answer))).toEqual(required)
      expect(provider.requests.length).toBe(requests)
      const proof = await sendReauthenticate(server.client.as(user.accessToken), user.password)
      const { accessToken } = proof.data.reauthenticate
      const linked = await sendLink(server.client.as(accessToken), answer)
      expect(linked.data.linkProvider.identities).toMatchObject([{ provider: 'acme' }])
    })

    it('is not unlinked', async () => {
      const user = await server.client.register()
      await sendLink(
        server.client.as(user.accessToken),
        await flowOf(user.accessToken, `sub-${++runs}`),
      )
      const stale = await longAgo(server, user)
      expect(asked(await sendUnlink(server.client.as(stale.accessToken), 'acme'))).toEqual(required)
      expect(
        await server.database.query('select id from identities where user_id = ?', [user.user.id]),
      ).toHaveLength(1)
    })

    it('has its token read by no one', async () => {
      const user = await longAgo(server, await newcomer())
      const answer = await server.client
        .as(user.accessToken)
        .send('{ providerToken(provider: "acme") { accessToken } }')
      expect(asked(answer)).toEqual(required)
    })

    it('is not a first password', async () => {
      const user = await longAgo(server, await newcomer())
      const set = (accessToken: string, more = '') =>
        mutate(
          accessToken,
          `changePassword(newPassword: "the first password" ${more}) { refreshToken }`,
        )
      const answer = await set(user.accessToken)
      expect(asked(answer)).toEqual(required)
      expect(answer.errors![0]!.extensions).toMatchObject({ maxAge: 300, methods: ['acme'] })
      // Not even by a rule that the argument would break, or with a password that there is not.
      expect(
        asked(await mutate(user.accessToken, 'changePassword(newPassword: "x") { tokenType }')),
      ).toEqual(required)
      expect(asked(await set(user.accessToken, 'currentPassword: "any"'))).toEqual(required)
      const rows = await server.database.query('select password_hash from users where id = ?', [
        user.user.id,
      ])
      expect(rows).toEqual([{ password_hash: null }])
    })

    it('is changed with the current password, which is the proof', async () => {
      const user = await longAgo(server, await server.client.register())
      const answer = await mutate(
        user.accessToken,
        `changePassword(currentPassword: "${user.password}", newPassword: "the next password") { accessToken }`,
      )
      expect(answer.errors).toBeUndefined()
      expect((await mutate(answer.data.changePassword.accessToken)).errors).toBeUndefined()
    })

    it('is not changed with a wrong one, which proves nothing', async () => {
      const user = await longAgo(server, await server.client.register())
      const answer = await mutate(
        user.accessToken,
        'changePassword(currentPassword: "not the password", newPassword: "the next password") { accessToken }',
      )
      expect(answer.code).toBe('INVALID_CREDENTIALS')
      expect(asked(await mutate(user.accessToken))).toEqual(required)
    })

    it('sets a first password without pretending that it was a proof', async () => {
      const user = await longAgo(server, await newcomer(), 200)
      const answer = await mutate(
        user.accessToken,
        'changePassword(newPassword: "the first password") { accessToken }',
      )
      const before = decodeCompact(user.accessToken).claims
      const after = decodeCompact(answer.data.changePassword.accessToken).claims
      expect(after['auth_time']).toBe(before['auth_time'])
      expect(after['amr']).toBeUndefined()
    })
  })

  describe('decides by the time of the proof', () => {
    const forge = async (accessToken: string, changes: Record<string, unknown>) => {
      const { header, claims } = decodeCompact(accessToken)
      return signCompact(header, { ...claims, ...changes }, await currentKey(server))
    }
    const now = () => Math.floor(server.now() / 1000)

    it.each<[string, unknown]>([
      ['is missing', undefined],
      ['is null', null],
      ['is text', '2000000000'],
      ['is text of now', String(Math.floor(Date.now() / 1000))],
      ['is not whole', Date.now() / 1000 + 0.5],
      ['is in milliseconds', Date.now()],
      ['is an hour from now', Math.floor(Date.now() / 1000) + 3600],
      ['is a list', [Math.floor(Date.now() / 1000)]],
      ['is an object', { valueOf: 1 }],
      ['is true', true],
      ['is zero', 0],
      ['is negative', -1],
      ['is out of range', Number.MAX_SAFE_INTEGER + 2],
      ['is an hour ago', Math.floor(Date.now() / 1000) - 3600],
    ])('of the token, which proves nothing if it %s', async (_what, authTime) => {
      const { accessToken } = await server.client.register()
      const forged = await forge(accessToken, { auth_time: authTime })
      expect((await server.client.as(forged).send('{ protected }')).errors).toBeUndefined()
      expect(asked(await mutate(forged))).toEqual(required)
    })

    it('of the session too, whatever the token says', async () => {
      const { accessToken } = await longAgo(server, await server.client.register())
      for (const authTime of [now(), now() + 30, now() + 3600, 2 ** 40]) {
        const forged = await forge(accessToken, { auth_time: authTime })
        expect(asked(await mutate(forged))).toEqual(required)
      }
    })

    it('which does not lie in the future, for the session either', async () => {
      const user = await server.client.register()
      await server.database.query('update sessions set authenticated_at = ? where id = ?', [
        server.now() + 3_600_000,
        sidOf(user.accessToken),
      ])
      const refreshed = (await server.client.refresh(user.refreshToken)).data.refreshToken
      expect(asked(await mutate(refreshed.accessToken))).toEqual(required)
    })

    it('on the clock of this server, with a proof of another one that is an hour ahead', async () => {
      const ahead = await server.sibling({}, 3600)
      const user = await ahead.client.register()
      expect((await mutate(user.accessToken)).reason).toBe('TOKEN_INVALID')
      const refreshed = (await server.client.refresh(user.refreshToken)).data.refreshToken
      expect(asked(await mutate(refreshed.accessToken))).toEqual(required)
    })

    it('on the clock of this server, with a proof of another one that is an hour behind', async () => {
      const behind = await server.sibling({ ACCESS_TOKEN_LIFETIME: '2h' }, -3600)
      const user = await behind.client.register()
      expect(asked(await mutate(user.accessToken))).toEqual(required)
    })

    it('of a session that an older version has started, from when it was', async () => {
      const user = await server.client.register()
      const set = (createdAt: number) =>
        server.database.query(
          'update sessions set authenticated_at = 0, created_at = ? where id = ?',
          [createdAt, sidOf(user.accessToken)],
        )
      await set(server.now())
      expect((await mutate(user.accessToken)).errors).toBeUndefined()
      await set(server.now() - 3_600_000)
      expect(asked(await mutate(user.accessToken))).toEqual(required)
    })
  })

  it('is refused a maxAge that is not a duration, and a place that is not a field', () => {
    for (const maxAge of ['', '5', 'm', '-5m', '0s', '1.5m', '5 m', '99999999999s']) {
      expect(() => Fresh({ maxAge: maxAge as '5m' })).toThrow('must be a duration such as 5m')
    }
    expect(() => (Fresh({ maxAge: '5m' }) as ClassDecorator)(class {})).toThrow('on a class')
  })
})
