// What the audit trail has of sign-ins with a provider.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventsOf, inWords } from '../support/audit.ts'
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
  sendLogin,
  sendUnlink,
  signInWith,
} from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'

let provider: HostileProvider
let server: TestServer
beforeAll(async () => {
  provider = await startHostileProvider()
  server = await startServer({
    REDIRECT_URIS: redirectUri,
    ...openidVariables('acme', provider),
  })
})
afterAll(async () => {
  await server.close()
  await provider.close()
})

const browser = (sub: string, lies?: Lies) => (url: string) => provider.authorize(url, sub, lies)
const signIn = (sub: string, lies?: Lies, at = server) =>
  signInWith(at.client, 'acme', browser(sub, lies))

it('a first sign-in, a second, and a way in that is unlinked', async () => {
  const first = (await signIn('one')).data.loginWithProvider
  await signIn('one')
  const me = server.client.as(first.accessToken)
  await me.send('mutation { changePassword(newPassword: "a first password") { tokenType } }')
  await server.database.query("update users set email = 'one@acme.test' where id = ?", [
    first.user.id,
  ])
  await signIn('one')
  expect((await sendUnlink(me, 'acme')).errors).toBeUndefined()
  await sendUnlink(me, 'acme')
  expect(inWords(await eventsOf(server, first.user.id))).toEqual([
    'ACCOUNT_CREATED acme',
    'SIGNED_IN acme',
    'SIGNED_IN acme',
    'PASSWORD_SET -1',
    'SIGNED_IN acme',
    'PROVIDER_UNLINKED acme -1',
  ])
})

it('a link, once', async () => {
  const { user, accessToken } = await server.client.register()
  const me = server.client.as(accessToken)
  expect((await linkWith(me, 'acme', browser('two'))).errors).toBeUndefined()
  await linkWith(me, 'acme', browser('two'))
  const stranger = await server.client.register()
  await linkWith(server.client.as(stranger.accessToken), 'acme', browser('two'))
  expect(inWords(await eventsOf(server, user.id)).slice(2)).toEqual(['PROVIDER_LINKED acme'])
  expect(inWords(await eventsOf(server, stranger.user.id)).slice(2)).toEqual([
    'PROVIDER_LINK_FAILED LINKED_TO_ANOTHER acme',
  ])
})

it('an account that is joined by an address which both sides have proven', async () => {
  const { user, email } = await server.client.register()
  await server.database.query('update users set email_verified = ? where id = ?', [
    server.database.url.startsWith('postgres') ? 'true' : 1,
    user.id,
  ])
  const lies = { claims: { email, email_verified: true } }
  expect((await signIn('three', lies)).data.loginWithProvider.user.id).toBe(user.id)
  expect(inWords(await eventsOf(server, user.id)).slice(2)).toEqual([
    'PROVIDER_LINKED acme',
    'SIGNED_IN acme',
  ])
})

it('what was refused, with the owner of the address where it names one', async () => {
  const { user, email } = await server.client.register()
  const before = (await eventsOf(server, null)).length
  expect((await signIn('four', { claims: { email } })).code).toBe('LINK_REQUIRED')
  expect((await signIn('five', { claims: { nonce: 'another' } })).code).toBe('PROVIDER_ERROR')
  const closed = await server.sibling({ REGISTRATION: 'closed' })
  expect((await signIn('six', {}, closed)).code).toBe('FORBIDDEN')
  expect(inWords(await eventsOf(server, user.id)).slice(2)).toEqual([
    'SIGN_IN_FAILED LINK_REQUIRED acme by ANONYMOUS',
  ])
  expect(inWords((await eventsOf(server, null)).slice(before))).toEqual([
    'SIGN_IN_FAILED PROVIDER_ERROR acme by ANONYMOUS',
    'SIGN_IN_FAILED REGISTRATION_CLOSED acme by ANONYMOUS',
  ])
})

it('a link that the provider refused', async () => {
  const { user, accessToken } = await server.client.register()
  const me = server.client.as(accessToken)
  const answer = await linkWith(me, 'acme', browser('seven', { claims: { nonce: 'another' } }))
  expect(answer.code).toBe('PROVIDER_ERROR')
  const { data } = await me.send(
    '{ me { events(first: 1) { edges { node { type outcome reason method } } } } }',
  )
  expect(data.me.events.edges[0].node).toEqual({
    type: 'PROVIDER_LINK_FAILED',
    outcome: 'FAILURE',
    reason: 'PROVIDER_ERROR',
    method: 'acme',
  })
  expect(inWords(await eventsOf(server, user.id)).slice(2)).toHaveLength(1)
})

// It costs nothing to send, so it must cost no room.
it('nothing of a response without a flow', async () => {
  const before = (await eventsOf(server, null)).length
  const { flowToken } = await begin(server.client, 'acme')
  const answer = await sendLogin(server.client, {
    provider: 'acme',
    code: 'made-up',
    state: 'made-up',
    flowToken,
  })
  expect(answer.code).toBe('INVALID_FLOW')
  expect(await eventsOf(server, null)).toHaveLength(before)
})
