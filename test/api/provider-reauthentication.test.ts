import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sinceSignUp } from '../support/audit.ts'
import {
  startHostileProvider,
  type HostileProvider,
  type Lies,
} from '../support/hostile-provider.ts'
import {
  redirectUri,
  startIdentityProvider,
  type IdentityProvider,
} from '../support/identity-provider.ts'
import { beginProof, longAgo, proveWith, sendProof, sidOf } from '../support/proof.ts'
import {
  begin,
  linkWith,
  openidVariables,
  readAnswer,
  sendLink,
  sendLogin,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { decodeCompact } from '../support/signing.ts'

let people = 0
const guarded = 'mutation { unlinkProvider(provider: "none") { id } }'

describe('reauthenticateWithProvider', () => {
  let server: TestServer
  let acme: HostileProvider
  let real: IdentityProvider
  beforeAll(async () => {
    acme = await startHostileProvider()
    real = await startIdentityProvider()
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('acme', acme),
      ...openidVariables('real', real),
      GITHUB_CLIENT_ID: 'an id',
      GITHUB_CLIENT_SECRET: 'a secret',
    })
  })
  afterAll(async () => {
    await server.close()
    await acme.close()
    await real.close()
  })

  const browser = (sub: string, lies?: Lies) => (url: string) => acme.authorize(url, sub, lies)
  /** Signed up with a password an hour ago, and linked to an account at the provider. */
  const linked = async () => {
    const sub = `sub-${++people}`
    const user = await server.client.register()
    await linkWith(server.client.as(user.accessToken), 'acme', browser(sub))
    return { ...(await longAgo(server, user)), sub }
  }
  const prove = (accessToken: string, sub: string, lies?: Lies) =>
    proveWith(server.client.as(accessToken), 'acme', browser(sub, lies), redirectUri)
  const isFresh = async (accessToken: string) => {
    const answer = await server.client.as(accessToken).send(guarded)
    expect(['REAUTHENTICATION_REQUIRED', 'UNKNOWN_PROVIDER']).toContain(answer.code)
    return answer.code === 'UNKNOWN_PROVIDER'
  }
  const ago = (seconds: number) => Math.floor(Date.now() / 1000) - seconds

  it('renews the proof of the same session with the account that is linked', async () => {
    const user = await linked()
    expect(await isFresh(user.accessToken)).toBe(false)
    const proof = (await prove(user.accessToken, user.sub)).data.reauthenticateWithProvider
    expect(sidOf(proof.accessToken)).toBe(sidOf(user.accessToken))
    expect(await isFresh(proof.accessToken)).toBe(true)
    expect(await isFresh(user.accessToken)).toBe(false)
    // It was not a password this time.
    expect(decodeCompact(proof.accessToken).claims['amr']).toBeUndefined()
    const me = await server.client.as(proof.accessToken).send('{ me { sessions { method } } }')
    expect(me.data.me.sessions).toEqual([{ method: 'password' }])
    expect((await server.client.refresh(user.refreshToken)).code).toBe('REFRESH_TOKEN_REUSED')
    expect((await sinceSignUp(server, user.user.id)).slice(0, 2)).toEqual([
      'PROVIDER_LINKED acme',
      'REAUTHENTICATED acme',
    ])
  })

  it('works with a real provider, which signs its user in again', async () => {
    const sub = `real-${++people}`
    real.add({ sub, email: `${sub}@example.com`, email_verified: true })
    const answer = await signInWith(server.client, 'real', (url) => real.signIn(url, sub))
    const user = await longAgo(server, answer.data.loginWithProvider as { refreshToken: string })
    const proof = await proveWith(
      server.client.as(user.accessToken),
      'real',
      (url) => real.signIn(url, sub),
      redirectUri,
    )
    expect(await isFresh(proof.data.reauthenticateWithProvider.accessToken)).toBe(true)
  })

  it('asks an OpenID provider to authenticate the user again, and others in their own way', async () => {
    const user = await linked()
    const parametersOf = async (provider: string) => {
      await server.database.query(
        `insert into identities (id, user_id, provider, subject, email, linked_at)
         values ('${crypto.randomUUID()}', ?, ?, ?, null, 1)`,
        [user.user.id, provider, `other-${user.sub}`],
      )
      const begun = await beginProof(server.client.as(user.accessToken), provider, redirectUri)
      const asked = new URL(begun.authorizationUrl).searchParams
      return [asked.get('prompt'), asked.get('max_age')]
    }
    expect(await parametersOf('acme')).toEqual(['login', '0'])
    expect(await parametersOf('github')).toEqual(['select_account', null])
    const begun = await begin(server.client.as(user.accessToken), 'acme')
    expect(new URL(begun.authorizationUrl).searchParams.has('prompt')).toBe(false)
  })

  it.each<[string, Lies | undefined, boolean]>([
    ['does not say when it authenticated the user', undefined, true],
    ['did so just now', { claims: { auth_time: ago(0) } }, true],
    ['did so before the flow began', { claims: { auth_time: ago(600) } }, false],
    ['will do so in an hour', { claims: { auth_time: ago(-3600) } }, false],
    ['says so in a text', { claims: { auth_time: String(ago(0)) } }, false],
    ['says so with null', { claims: { auth_time: null } }, false],
  ])('depends on what the provider says: it %s', async (_what, lies, isGood) => {
    const user = await linked()
    const answer = await prove(user.accessToken, user.sub, lies)
    expect(answer.code).toBe(isGood ? undefined : 'PROVIDER_ERROR')
    const last = (await sinceSignUp(server, user.user.id)).at(-1)
    expect(last).toBe(
      isGood ? 'REAUTHENTICATED acme' : 'REAUTHENTICATION_FAILED PROVIDER_ERROR acme',
    )
  })

  it('refuses an account of the provider that is not the linked one, whosever it is', async () => {
    const [user, other] = [await linked(), await linked()]
    for (const sub of [other.sub, `nobody-${++people}`]) {
      const answer = await prove(user.accessToken, sub)
      expect([answer.status, answer.code]).toEqual([403, 'FORBIDDEN'])
      expect(answer.errors![0]!.extensions.provider).toBe('acme')
    }
    expect(await isFresh(user.accessToken)).toBe(false)
    expect((await sinceSignUp(server, user.user.id)).slice(1)).toEqual(
      Array(2).fill('REAUTHENTICATION_FAILED OTHER_IDENTITY acme'),
    )
    const [identity] = await server.database.query(
      'select count(*) as count from identities where user_id = ?',
      [user.user.id],
    )
    expect(Number(identity!['count'])).toBe(1)
  })

  it('takes a flow that was started for it, by the same user, and once', async () => {
    const [user, other] = [await linked(), await linked()]
    const client = server.client.as(user.accessToken)
    const flowOf = async (accessToken: string) => {
      const begun = await beginProof(server.client.as(accessToken), 'acme', redirectUri)
      return readAnswer(begun, acme.authorize(begun.authorizationUrl, user.sub))
    }
    // For signing in or linking, if the provider was not asked to authenticate anyone again.
    const begun = await begin(client, 'acme')
    const ordinary = readAnswer(begun, acme.authorize(begun.authorizationUrl, user.sub))
    expect((await sendProof(client, ordinary)).code).toBe('INVALID_FLOW')
    expect((await sendLogin(server.client, ordinary)).errors).toBeUndefined()

    expect((await sendProof(client, await flowOf(other.accessToken))).code).toBe('INVALID_FLOW')
    const answer = await flowOf(user.accessToken)
    expect((await sendLogin(server.client, answer)).code).toBe('INVALID_FLOW')
    const fresh = (await server.client.login(user.email, user.password)).data.login
    expect((await sendLink(server.client.as(fresh.accessToken), answer)).code).toBe('INVALID_FLOW')
    expect((await sendProof(client, { ...answer, state: 'another' })).code).toBe('INVALID_FLOW')
    const proof = await sendProof(client, answer)
    expect(proof.errors).toBeUndefined()
    const again = server.client.as(proof.data.reauthenticateWithProvider.accessToken)
    expect((await sendProof(again, answer)).code).toBe('INVALID_FLOW')
  })

  it('is started by a user who is signed in, with a provider that is linked', async () => {
    const anonymous = await beginProof(server.client, 'acme', redirectUri)
    expect([anonymous.answer.status, anonymous.answer.reason]).toEqual([401, 'TOKEN_MISSING'])
    const user = await longAgo(server, await server.client.register())
    const unlinked = await beginProof(server.client.as(user.accessToken), 'acme', redirectUri)
    expect(unlinked.answer.code).toBe('UNKNOWN_PROVIDER')
    const answer = { provider: 'acme', code: 'a', state: 'b', flowToken: 'c' }
    expect((await sendProof(server.client, answer)).reason).toBe('TOKEN_MISSING')
  })

  it.each([
    ['the session is ended', 'delete from sessions where user_id = ?'],
    ['the account is disabled', 'update users set disabled_at = 1 where id = ?'],
    ['the provider is unlinked', 'delete from identities where user_id = ?'],
  ])('proves nothing when %s while the provider is asked', async (_what, statement) => {
    const user = await linked()
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    acme.answering.userinfo = (response, answer) => {
      reached.resolve()
      void released.promise.then(() =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)),
      )
    }
    const proving = prove(user.accessToken, user.sub)
    await reached.promise
    await server.database.query(statement, [user.user.id])
    released.resolve()
    delete acme.answering.userinfo
    expect((await proving).data).toBeNull()
    const rows = await server.database.query('select amr from sessions where user_id = ?', [
      user.user.id,
    ])
    for (const { amr } of rows) expect([['pwd'], '["pwd"]']).toContainEqual(amr)
  })
})

describe('refused proofs with a provider', () => {
  it('are so few in an hour that one session cannot fill the trail, nor keep another from proving', async () => {
    const acme = await startHostileProvider()
    const server = await startServer({
      REDIRECT_URIS: redirectUri,
      THROTTLE: 'on',
      ...openidVariables('acme', acme),
    })
    const answer = await signInWith(server.client, 'acme', (url) => acme.authorize(url, 'owner'))
    const { accessToken, user } = answer.data.loginWithProvider
    const codes: unknown[] = []
    for (let round = 0; round < 12; round++) {
      const refused = await proveWith(
        server.client.as(accessToken),
        'acme',
        (url) => acme.authorize(url, `stranger-${round}`),
        redirectUri,
      )
      codes.push(refused.code)
    }
    expect(codes).toEqual([...Array(10).fill('FORBIDDEN'), 'RATE_LIMITED', 'RATE_LIMITED'])
    const events = await server.database.query(
      "select id from audit_events where user_id = ? and type = 'REAUTHENTICATION_FAILED'",
      [user.id],
    )
    expect(events).toHaveLength(10)
    const owner = await signInWith(server.client, 'acme', (url) => acme.authorize(url, 'owner'))
    const proof = await proveWith(
      server.client.as(owner.data.loginWithProvider.accessToken),
      'acme',
      (url) => acme.authorize(url, 'owner'),
      redirectUri,
    )
    expect(proof.errors).toBeUndefined()
    await server.close()
    await acme.close()
  })
})
