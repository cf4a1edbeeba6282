import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHosts, type Hosts } from '../support/hosts.ts'
import { begin, readAnswer, sendLogin } from '../support/provider-sign-in.ts'
import { startServer, type TestServer } from '../support/server.ts'
import {
  apple,
  clientId,
  clientSecret,
  gitHub,
  visit,
  type SocialProvider,
} from '../support/social-providers.ts'

const redirectUri = 'com.example.app:/callback'
const publicUrl = 'https://login.example.com'
const teamId = 'DEF123GHIJ'
const keyId = 'ABC123DEFG'

const key = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

let hosts: Hosts
let social: SocialProvider
let server: TestServer

beforeAll(async () => {
  social = apple(teamId, keyId, key.publicKey)
  hosts = await startHosts(() => ({ ...social.routes, ...gitHub('https://github.com').routes }))
  server = await startServer(
    {
      PUBLIC_URL: publicUrl,
      REDIRECT_URIS: redirectUri,
      APPLE_CLIENT_ID: clientId,
      APPLE_TEAM_ID: teamId,
      APPLE_KEY_ID: keyId,
      // As it is written into a .env file.
      APPLE_PRIVATE_KEY: key.privateKey.replaceAll('\n', '\\n'),
      GITHUB_CLIENT_ID: clientId,
      GITHUB_CLIENT_SECRET: clientSecret,
    },
    { fetch: hosts.fetch },
  )
})
afterAll(async () => {
  await server.close()
  await hosts.close()
})

/** What Apple's page does in the browser: the form that it posts, and to where. */
async function answerAt(authorizationUrl: string, id: string) {
  const page = await (await visit(hosts, authorizationUrl, id)).text()
  const action = /action="([^"]+)"/.exec(page)?.[1]
  const fields = Array.from(
    page.matchAll(/<input name="(\w+)" value='([^']*)'>/g),
    ([, name = '', value = '']): [string, string] => [name, value],
  )
  return { action, form: new URLSearchParams(fields) }
}

function post(path: string, body: string, headers: Record<string, string> = {}) {
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  })
}

const callback = '/providers/apple/callback'
let forms = 0

describe('signing in with Apple', () => {
  async function signIn(profile: Record<string, unknown>) {
    const id = String(profile['sub'])
    social.add({ id, profile })
    const { authorizationUrl, flowToken } = await begin(server.client, 'apple', redirectUri)
    const { action, form } = await answerAt(authorizationUrl, id)
    expect(action).toBe(`${publicUrl}${callback}`)
    const forwarded = await post(callback, form.toString(), { origin: 'https://appleid.apple.com' })
    expect(forwarded.status).toBe(303)
    const back = new URL(forwarded.headers.get('location')!)
    return {
      answer: await sendLogin(server.client, readAnswer({ provider: 'apple', flowToken }, back)),
      back,
      form,
    }
  }

  it('forwards a posted response, and signs the client secret with the key', async () => {
    const { answer, back, form } = await signIn({
      sub: '000792.d71059495fa24644b94e4a644e2e3b4a.0638',
      email: 'Ada@Example.com',
      email_verified: true,
    })
    expect(`${back.protocol}${back.pathname}`).toBe(redirectUri)
    // Not `user`, which the browser could have written itself.
    expect(form.has('user')).toBe(true)
    expect(Object.fromEntries(back.searchParams)).toEqual({
      code: form.get('code'),
      state: form.get('state'),
    })
    expect(answer.data.loginWithProvider.user).toMatchObject({
      email: 'ada@example.com',
      emailVerified: true,
      name: 'Ada',
      identities: [{ provider: 'apple' }],
    })
  })

  // Apple says it once, with the first response.
  const posted: [user: string | undefined, name: string | null][] = [
    [
      '{"name":{"firstName":"Ada","lastName":"Lovelace"},"email":"ada@example.com"}',
      'Ada Lovelace',
    ],
    ['{"name":{"firstName":"","lastName":"Lovelace"}}', 'Lovelace'],
    ['{"name":{"firstName":" A\\u0000d\\na ","middleName":"X"}}', 'Ada'],
    [`{"name":{"firstName":"${'x'.repeat(300)}"}}`, 'x'.repeat(200)],
    ['{"name":{"firstName":7,"lastName":null}}', null],
    ['{"name":"Ada"}', null],
    ['{"name":null}', null],
    ['[]', null],
    ['null', null],
    ['{', null],
    ['', null],
    [undefined, null],
  ]
  it.each(posted)('takes the name, and nothing else, from the form: %s', async (user, name) => {
    const id = `posted-${++forms}`
    social.add({ id, profile: { sub: id } })
    const { authorizationUrl, flowToken } = await begin(server.client, 'apple', redirectUri)
    const { form } = await answerAt(authorizationUrl, id)
    form.delete('user')
    if (user !== undefined) form.set('user', user)
    const forwarded = await post(callback, form.toString())
    const back = readAnswer(
      { provider: 'apple', flowToken },
      new URL(forwarded.headers.get('location')!),
    )
    const answer = await sendLogin(server.client, back)
    expect(answer.data.loginWithProvider.user).toMatchObject({ name, email: null })
    const { accessToken } = answer.data.loginWithProvider
    const renamed = await server.client
      .as(accessToken)
      .send('mutation { updateProfile(name: "Of my own") { name } }')
    expect(renamed.errors).toBeUndefined()
    const again = (await signIn({ sub: id })).answer
    expect(again.data.loginWithProvider.user.name).toBe('Of my own')
  })

  // "A string or Boolean value": developer.apple.com, Authenticating users with Sign in with Apple.
  it.each(['true', 'false', 1, null, undefined])(
    'takes no address for proven where email_verified is %j',
    async (verified) => {
      const email = `${typeof verified}.${String(verified)}@example.com`
      const { answer } = await signIn({ sub: email, email, email_verified: verified })
      expect(answer.data.loginWithProvider.user).toMatchObject({ email, emailVerified: false })
    },
  )

  it('asks for the response to be posted to the server itself', async () => {
    const { authorizationUrl } = await begin(server.client, 'apple', redirectUri)
    const url = new URL(authorizationUrl)
    expect(`${url.origin}${url.pathname}`).toBe('https://appleid.apple.com/auth/authorize')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_mode: 'form_post',
      redirect_uri: `${publicUrl}${callback}`,
      scope: 'openid email name',
    })
  })

  // For a day in June 2025 it named another issuer than the tokens: github.com/supabase/auth/issues/2051.
  it("does without Apple's discovery document", () => {
    expect(hosts.calls.length).toBeGreaterThan(0)
    expect(hosts.calls.filter(({ url }) => url.pathname.startsWith('/.well-known/'))).toEqual([])
  })
})

describe('the form-post callback', () => {
  it('hands on a refusal, too', async () => {
    const { authorizationUrl } = await begin(server.client, 'apple', redirectUri)
    const state = new URL(authorizationUrl).searchParams.get('state')!
    const answer = await post(callback, `error=user_cancelled_authorize&state=${state}`)
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe(
      `${redirectUri}?state=${state}&error=user_cancelled_authorize`,
    )
  })

  it('keeps nothing of a response in the log, in a cookie or in a cache', async () => {
    const { authorizationUrl } = await begin(server.client, 'apple', redirectUri)
    const state = new URL(authorizationUrl).searchParams.get('state')!
    const answer = await post(callback, `code=a-code-to-look-for&state=${state}`)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(await answer.text()).toBe('')
    expect(server.logText()).toContain(callback)
    expect(server.logText()).not.toContain('a-code-to-look-for')
    expect(server.logText()).not.toContain(state)
  })

  it('goes nowhere else than where the flow was started for, whatever the form says', async () => {
    const { authorizationUrl } = await begin(server.client, 'apple', redirectUri)
    const state = new URL(authorizationUrl).searchParams.get('state')!
    const hostile = new URLSearchParams([
      ['redirect_uri', 'https://evil.example.com/'],
      ['code', 'https://evil.example.com/#&redirect_uri=x\r\nset-cookie: a=b'],
      ['state', state],
      ['state', 'another'],
    ])
    const answer = await post(callback, hostile.toString(), { host: 'evil.example.com' })
    const target = new URL(answer.headers.get('location')!)
    expect(`${target.protocol}${target.pathname}`).toBe(redirectUri)
    expect([...target.searchParams.keys()]).toEqual(['code', 'state'])
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  const refused: [what: string, answer: () => Promise<Response>, status: number][] = [
    ['an unknown state', () => post(callback, `code=c&state=${'x'.repeat(43)}`), 400],
    ['no state', () => post(callback, 'code=c'), 400],
    ['nothing', () => post(callback, ''), 400],
    ['JSON', () => postState(callback, JSON.stringify, 'application/json'), 415],
    ['text', () => postState(callback, asForm, 'text/plain'), 415],
    [
      'a form of many parts',
      () => postState(callback, asForm, 'multipart/form-data; boundary=x'),
      415,
    ],
    ['a form that is too large', () => post(callback, `code=${'x'.repeat(17_000)}`), 413],
    ["another provider's state", () => postGithubState(callback), 400],
    // Its answers come by GET, to the client's own redirect URI.
    ['a provider that posts nothing', () => postGithubState('/providers/github/callback'), 400],
    ['a provider that is not there', () => postState('/providers/nobody/callback', asForm), 400],
  ]
  it.each(refused)('refuses %s', async (_what, send, status) => {
    const answer = await send()
    expect(answer.status).toBe(status)
    expect(answer.headers.get('location')).toBeNull()
    expect(answer.headers.get('content-type')).toContain('application/json')
    const [error] = ((await answer.json()) as { errors: { extensions: { code: string } }[] }).errors
    expect(error!.extensions.code).toBe(
      { 400: 'INVALID_FLOW', 413: 'PAYLOAD_TOO_LARGE', 415: 'BAD_REQUEST' }[status],
    )
  })

  it('refuses the state of a flow that is over', async () => {
    const { authorizationUrl } = await begin(server.client, 'apple', redirectUri)
    const state = new URL(authorizationUrl).searchParams.get('state')!
    server.advance(601)
    expect((await post(callback, `code=c&state=${state}`)).status).toBe(400)
  })

  const asForm = (fields: Record<string, string>) => new URLSearchParams(fields).toString()

  async function postState(
    path: string,
    encode: (fields: Record<string, string>) => string,
    type = 'application/x-www-form-urlencoded',
  ) {
    const { authorizationUrl } = await begin(server.client, 'apple', redirectUri)
    const state = new URL(authorizationUrl).searchParams.get('state')!
    return post(path, encode({ code: 'c', state }), { 'content-type': type })
  }

  async function postGithubState(path: string) {
    const { authorizationUrl } = await begin(server.client, 'github', redirectUri)
    const back = new URL(authorizationUrl).searchParams.get('state')!
    return post(path, `code=c&state=${back}`)
  }
})
