import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  newSigningKey,
  signWith,
  signWithSecret,
  startHostileProvider,
  type HostileProvider,
  type Lies,
} from '../support/hostile-provider.ts'
import { redirectUri } from '../support/identity-provider.ts'
import {
  begin,
  openidVariables,
  readAnswer,
  sendLogin,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

describe('the ID token of a provider', () => {
  let server: TestServer
  let provider: HostileProvider
  /** Has the same users, and another set of keys. */
  let other: HostileProvider
  beforeAll(async () => {
    provider = await startHostileProvider()
    other = await startHostileProvider()
    server = await startServer({
      REDIRECT_URIS: redirectUri,
      ...openidVariables('test', provider),
      ...openidVariables('other', other),
    })
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
    await other.close()
  })
  const signIn = (sub: string, lies?: Lies, at = provider) =>
    signInWith(server.client, at === provider ? 'test' : 'other', (url) =>
      at.authorize(url, sub, lies),
    )
  const countUsers = async () => (await server.database.query('select id from users')).length

  it('signs in when everything is as it should be, again and again', async () => {
    const ids = new Set()
    for (let round = 0; round < 3; round++) {
      const answer = await signIn('somebody')
      expect(answer.errors).toBeUndefined()
      ids.add(answer.data.loginWithProvider.user.id)
    }
    expect(ids.size).toBe(1)
  })

  // OpenID Connect conformance suite, relying party plan; Core 1.0, sections 3.1.3.7 and 5.3.2.
  const now = Math.floor(Date.now() / 1000)
  const refused: [what: string, lies: () => Lies][] = [
    ['signed by a key that is not the provider’s', () => ({ sign: signWith(newSigningKey()) })],
    [
      'signed by an unknown key under a kid of its own',
      () => ({ header: { kid: 'unknown' }, sign: signWith(newSigningKey()) }),
    ],
    ['whose signature is left out', () => ({ sign: () => '' })],
    ['with alg none', () => ({ header: { alg: 'none', kid: undefined }, sign: () => '' })],
    ['with alg none, signed all the same', () => ({ header: { alg: 'none' } })],
    ['with alg None', () => ({ header: { alg: 'None' }, sign: () => '' })],
    [
      'signed with the client secret',
      () => ({
        header: { alg: 'HS256', kid: undefined },
        sign: signWithSecret(provider.clientSecret),
      }),
    ],
    [
      'signed with the public key as a secret',
      () => ({
        header: { alg: 'HS256' },
        sign: signWithSecret(provider.keys[0]!.publicKey.export({ type: 'spki', format: 'pem' })),
      }),
    ],
    ['with an alg of another kind of key', () => ({ header: { alg: 'RS256' } })],
    ['with a critical extension', () => ({ header: { crit: ['b64'], b64: false } })],
    ['for another client', () => ({ claims: { aud: 'another client' } })],
    ['for nobody', () => ({ claims: { aud: undefined } })],
    ['for no one in a list', () => ({ claims: { aud: [] } })],
    [
      'for us among others, with azp left out',
      () => ({ claims: { aud: ['latchkey', 'another'] } }),
    ],
    [
      'for us among others, issued to one of them',
      () => ({ claims: { aud: ['latchkey', 'another'], azp: 'another' } }),
    ],
    ['for us, issued to another', () => ({ claims: { azp: 'another' } })],
    ['of another issuer', () => ({ claims: { iss: 'https://issuer.example' } })],
    ['of the issuer with a slash', () => ({ claims: { iss: `${provider.issuer}/` } })],
    ['of no issuer', () => ({ claims: { iss: undefined } })],
    ['of another configured issuer', () => ({ claims: { iss: other.issuer } })],
    ['with another nonce', () => ({ claims: { nonce: 'another' } })],
    ['with an empty nonce', () => ({ claims: { nonce: '' } })],
    ['without a nonce', () => ({ claims: { nonce: undefined } })],
    ['that has expired', () => ({ claims: { exp: now - 3600 } })],
    ['that never expires', () => ({ claims: { exp: undefined } })],
    ['whose expiry is text', () => ({ claims: { exp: String(now + 3600) } })],
    ['that is not valid yet', () => ({ claims: { nbf: now + 3600 } })],
    ['that was never issued', () => ({ claims: { iat: undefined } })],
    ['without a subject', () => ({ claims: { sub: undefined } })],
    ['with an empty subject', () => ({ claims: { sub: '' }, userinfo: { sub: '' } })],
    ['whose subject is a number', () => ({ claims: { sub: 7 }, userinfo: { sub: 7 } })],
    ['whose subject is null', () => ({ claims: { sub: null }, userinfo: { sub: null } })],
    [
      'whose subject is longer than 255',
      () => ({ claims: { sub: 's'.repeat(256) }, userinfo: { sub: 's'.repeat(256) } }),
    ],
    [
      'whose subject has a NUL',
      () => ({ claims: { sub: 'some\0body' }, userinfo: { sub: 'some\0body' } }),
    ],
    [
      'whose subject is half a character',
      () => ({ claims: { sub: 'some\ud800' }, userinfo: { sub: 'some\ud800' } }),
    ],
    ['that is not there', () => ({ tokens: { id_token: undefined } })],
    ['that is no token', () => ({ tokens: { id_token: 'eyJhbGciOiJub25lIn0' } })],
    ['that is an object', () => ({ tokens: { id_token: {} } })],
    ['that is encrypted', () => ({ tokens: { id_token: 'a.b.c.d.e' } })],
    ['that comes without an access token', () => ({ tokens: { access_token: undefined } })],
    ['that comes with an access token of another type', () => ({ tokens: { token_type: 'mac' } })],
    ['beside userinfo of somebody else', () => ({ userinfo: { sub: 'somebody' } })],
  ]
  it.each(refused)('is refused: one %s', async (_what, lies) => {
    const before = await countUsers()
    const answer = await signIn('victim', lies())
    expect(answer.code).toBe('PROVIDER_ERROR')
    expect(answer.data).toBeNull()
    expect(await countUsers()).toBe(before)
  })

  const accepted: [what: string, lies: Lies][] = [
    ['for us in a list', { claims: { aud: ['latchkey'] } }],
    [
      'for us among others, issued to us',
      { claims: { aud: ['latchkey', 'another'], azp: 'latchkey' } },
    ],
    ['without a kid, where the provider has a single key', { header: { kid: undefined } }],
  ]
  it.each(accepted)('is accepted: one %s', async (_what, lies) => {
    const answer = await signIn('somebody', lies)
    expect(answer.errors).toBeUndefined()
  })

  it('is refused without a kid if the provider has several keys', async () => {
    const several = await startHostileProvider()
    several.keys = [newSigningKey(), newSigningKey()]
    const sibling = await server.sibling(openidVariables('several', several))
    const attempt = (lies?: Lies) =>
      signInWith(sibling.client, 'several', (url) => several.authorize(url, 'somebody', lies))
    expect((await attempt({ header: { kid: undefined } })).code).toBe('PROVIDER_ERROR')
    expect((await attempt()).errors).toBeUndefined()
    await several.close()
  })

  it('of one issuer says nothing at another: one subject at two is two people', async () => {
    const one = await signIn('shared')
    const two = await signIn('shared', {}, other)
    expect(one.errors ?? two.errors).toBeUndefined()
    expect(one.data.loginWithProvider.user.id).not.toBe(two.data.loginWithProvider.user.id)
    const stolen = other.authorize((await begin(server.client, 'other')).authorizationUrl, 'shared')
    const begun = await begin(server.client, 'test')
    const answer = await sendLogin(server.client, {
      ...readAnswer(begun, new URL(begun.authorizationUrl)),
      code: stolen.searchParams.get('code'),
      iss: provider.issuer,
    })
    expect(answer.code).toBe('PROVIDER_ERROR')
  })

  it('names the same user after their e-mail address has changed', async () => {
    const first = await signIn('moves', { userinfo: { email: 'old@example.com' } })
    const second = await signIn('moves', { userinfo: { email: 'new@example.com' } })
    const { id, email } = first.data.loginWithProvider.user
    expect(second.data.loginWithProvider.user).toMatchObject({
      id,
      email,
      identities: [{ provider: 'test', email: 'new@example.com' }],
    })
  })

  describe('while the provider changes its keys', () => {
    it('is verified by the new key at once, and by the old one as long as it is published', async () => {
      expect((await signIn('rotates')).errors).toBeUndefined()
      const [old] = provider.keys
      provider.keys = [newSigningKey(), old!]
      expect((await signIn('rotates')).errors).toBeUndefined()
      provider.keys = [old!, provider.keys[0]!]
      expect((await signIn('rotates')).errors).toBeUndefined()
      provider.keys = [newSigningKey()]
      expect((await signIn('rotates')).errors).toBeUndefined()
    })

    it('is verified when the change comes between the two halves of a sign-in', async () => {
      const begun = await begin(server.client, 'test')
      provider.keys = [newSigningKey()]
      const back = provider.authorize(begun.authorizationUrl, 'rotates')
      expect((await sendLogin(server.client, readAnswer(begun, back))).errors).toBeUndefined()
    })

    it('is verified at the second attempt when the new key has the old name', async () => {
      expect((await signIn('rotates')).errors).toBeUndefined()
      const { kid } = provider.keys[0]!
      provider.keys = [{ ...newSigningKey(), kid }]
      expect((await signIn('rotates')).code).toBe('PROVIDER_ERROR')
      expect((await signIn('rotates')).errors).toBeUndefined()
    })

    it('costs one look at the keys for each sign-in at most', async () => {
      const looks = () => provider.requests.filter(({ endpoint }) => endpoint === 'jwks').length
      expect((await signIn('rotates')).errors).toBeUndefined()
      const before = looks()
      for (let round = 0; round < 3; round++)
        expect((await signIn('rotates')).errors).toBeUndefined()
      expect(looks()).toBe(before)
      const unknown = { header: { kid: 'unknown' }, sign: signWith(newSigningKey()) }
      expect((await signIn('rotates', unknown)).code).toBe('PROVIDER_ERROR')
      expect(looks()).toBe(before + 1)
    })
  })
})
