// OpenID Connect Core section 5.7: issuer and subject together identify a user.
import { randomUUID } from 'node:crypto'
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
  sendLogin,
  sendUnlink,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

let users = 0

describe('an issuer that is configured under the name of another one', () => {
  let former: HostileProvider
  let current: HostileProvider
  let server: TestServer
  /** The same server after the change. */
  let changed: TestServer
  /** The operator says that it is the same issuer at another address. */
  let moved: TestServer
  beforeAll(async () => {
    former = await startHostileProvider()
    current = await startHostileProvider()
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('acme', former),
      OIDC_ACME_KEEP_TOKENS: 'on',
    })
    // So that the start has something to look at.
    await signInAt(server, former, `sub-${++users}`)
    const env = openidVariables('acme', { ...former, issuer: current.issuer })
    changed = await server.sibling(env)
    moved = await server.sibling({ ...env, OIDC_ACME_FORMER_ISSUER: former.issuer })
  })
  afterAll(async () => {
    await server.close()
    await former.close()
    await current.close()
  })

  const signInAt = (at: TestServer, issuer: HostileProvider, sub: string, lies: Lies = {}) =>
    signInWith(at.client, 'acme', (url) => issuer.authorize(url, sub, lies))
  const issuersOf = async (sub: string) =>
    (
      await server.database.query('select user_id, issuer from identities where subject = ?', [sub])
    ).map(({ user_id, issuer }) => [user_id, issuer])

  it('inherits no account, and says why to its user and in the log', async () => {
    const sub = `sub-${++users}`
    const owner = (await signInAt(server, former, sub)).data.loginWithProvider
    const answer = await signInAt(changed, current, sub)
    expect(answer.code).toBe('PROVIDER_ERROR')
    expect(answer.errors![0]!.message).toContain('another issuer')
    expect(changed.logText()).toContain(`The identity is of the issuer ${former.issuer}`)
    expect(await issuersOf(sub)).toEqual([[owner.user.id, former.issuer]])
    expect((await signInAt(changed, current, `sub-${++users}`)).errors).toBeUndefined()
    // The operator takes the change back.
    expect((await signInAt(server, former, sub)).data.loginWithProvider.user.id).toBe(owner.user.id)
  })

  it('links no identity of the former one', async () => {
    const sub = `sub-${++users}`
    await signInAt(server, former, sub)
    const { accessToken, user } = await changed.client.register()
    const answer = await linkWith(changed.client.as(accessToken), 'acme', (url) =>
      current.authorize(url, sub),
    )
    expect(answer.code).toBe('PROVIDER_ERROR')
    const linked = await server.database.query('select id from identities where user_id = ?', [
      user.id,
    ])
    expect(linked).toEqual([])
  })

  it('is shown no tokens of the former one', async () => {
    const sub = `sub-${++users}`
    const tokens = { refresh_token: 'a refresh token of the former issuer', expires_in: 1 }
    const owner = (await signInAt(server, former, sub, { tokens })).data.loginWithProvider
    const before = current.requests.length
    const answer = await changed.client
      .as(owner.accessToken)
      .send('{ providerToken(provider: "acme") { accessToken } }')
    expect(answer.code).toBe('UNKNOWN_PROVIDER')
    expect(current.requests).toHaveLength(before)
  })

  it('does not count as a way in for the users of the former one', async () => {
    const sub = `sub-${++users}`
    const email = `${sub}@example.com`
    const owner = await signInAt(server, former, sub, { claims: { email } })
    const { accessToken } = owner.data.loginWithProvider
    const other = await signInAt(changed, current, `other-${sub}`, { claims: { email } })
    expect(other.errors![0]!.extensions).toMatchObject({ code: 'LINK_REQUIRED', linkableWith: [] })
    const linked = await linkWith(changed.client.as(accessToken), 'acme', (url) =>
      current.authorize(url, `own-${sub}`),
    )
    expect(linked.errors).toBeUndefined()
    await server.database.query("update identities set provider = 'gone' where subject = ?", [sub])
    expect((await sendUnlink(changed.client.as(accessToken), 'acme')).code).toBe('LAST_CREDENTIAL')
  })

  it('takes no flow that started with the former one', async () => {
    const begun = await begin(server.client, 'acme')
    const back = readAnswer(begun, former.authorize(begun.authorizationUrl, `sub-${++users}`))
    const before = current.requests.length
    expect((await sendLogin(changed.client, back)).code).toBe('INVALID_FLOW')
    expect(current.requests).toHaveLength(before)
  })

  it('is announced at the start, with what to do', () => {
    const warning = (of: TestServer) =>
      of
        .logText()
        .split('\n')
        .find((line) => line.includes('OIDC_ACME_FORMER_ISSUER'))
    expect(warning(changed)).toContain(former.issuer)
    expect(warning(changed)).toContain(current.issuer)
    expect(warning(server)).toBeUndefined()
    expect(warning(moved)).toBeUndefined()
  })

  it('is announced with each of several others, and not with those that are its own', async () => {
    const between = [former.issuer, current.issuer].toSorted()[0]! + '0'
    await signInAt(changed, current, `sub-${++users}`)
    const { accessToken, user } = await server.client.register()
    expect(accessToken).toBeTypeOf('string')
    for (const [index, issuer] of [between, `${between}0`].entries()) {
      await server.database.query(
        "insert into identities (id, user_id, provider, subject, issuer, linked_at) values (?, ?, 'acme', ?, ?, 0)",
        [randomUUID(), user.id, `third-${index}`, issuer],
      )
    }
    const again = await server.sibling({
      ...openidVariables('acme', { ...former, issuer: current.issuer }),
      OIDC_ACME_FORMER_ISSUER: former.issuer,
    })
    const warnings = again
      .logText()
      .split('\n')
      .filter((line) => line.includes('OIDC_ACME_FORMER_ISSUER'))
    expect(warnings.map((line) => /with the issuer (\S+),/.exec(line)?.[1])).toEqual([
      between,
      `${between}0`,
    ])
    await server.database.query("delete from identities where subject like 'third-%'", [])
  })

  it('keeps the accounts if the operator says that it is the same one, moved', async () => {
    const sub = `sub-${++users}`
    const owner = (await signInAt(server, former, sub)).data.loginWithProvider
    const answer = await signInAt(moved, current, sub)
    expect(answer.data.loginWithProvider.user.id).toBe(owner.user.id)
    expect(await issuersOf(sub)).toEqual([[owner.user.id, current.issuer]])
  })

  it('keeps identities from before issuers were kept, and fills them in', async () => {
    const sub = `sub-${++users}`
    const owner = (await signInAt(server, former, sub)).data.loginWithProvider
    await server.database.query('update identities set issuer = null where subject = ?', [sub])
    const answer = await signInAt(server, former, sub)
    expect(answer.data.loginWithProvider.user.id).toBe(owner.user.id)
    expect(await issuersOf(sub)).toEqual([[owner.user.id, former.issuer]])
  })
})
