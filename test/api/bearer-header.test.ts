import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { readAnswer, type Tokens } from '../support/client.ts'

describe('the Authorization header', () => {
  let server: TestServer
  let account: Tokens & { email: string; password: string }
  beforeAll(async () => {
    server = await startServer()
    account = await server.client.register()
  })
  afterAll(() => server.close())

  const send = (authorization: string | undefined, query = '{ protected }') =>
    server.client.send(query, undefined, authorization === undefined ? {} : { authorization })

  // RFC 6750 section 3: a challenge, which names no error if nothing was sent.
  it('is missing: the response says so', async () => {
    const answer = await send(undefined)
    expect(answer).toMatchObject({
      status: 401,
      data: null,
      code: 'UNAUTHENTICATED',
      reason: 'TOKEN_MISSING',
    })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('may spell the scheme in any case, with more than one space', async () => {
    for (const scheme of ['Bearer ', 'bearer ', 'BEARER ', 'Bearer   ']) {
      expect((await send(scheme + account.accessToken)).errors).toBeUndefined()
      expect((await send(`${scheme}${account.accessToken}  `)).errors).toBeUndefined()
    }
  })

  const broken = (): string[] => {
    const { accessToken, refreshToken, email, password } = account
    return [
      '',
      'Bearer',
      'Bearer ',
      'Bearer undefined',
      'Bearer null',
      'Bearer a.b.c',
      'Bearer ..',
      'Bearer e30.e30.e30',
      `Bearer ${accessToken} ${accessToken}`,
      `Bearer "${accessToken}"`,
      `Bearer ${accessToken},${accessToken}`,
      `Bearer\t${accessToken}`,
      `Bearer${accessToken}`,
      accessToken,
      `Token ${accessToken}`,
      `JWT ${accessToken}`,
      `DPoP ${accessToken}`,
      `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`,
      `Bearer ${refreshToken}`,
      `Bearer ${account.user.id}`,
      `Bearer ${'x'.repeat(10_000)}`,
      `Bearer ${'a.'.repeat(4000)}`,
      'Bearer \u00e4\u00f6\u00fc',
    ]
  }

  it('holds anything else: the response says so, and nothing breaks', async () => {
    for (const authorization of broken()) {
      const answer = await send(authorization)
      const { status, code, reason } = answer
      expect({ authorization, status, code, reason }).toEqual({
        authorization,
        status: 401,
        code: 'UNAUTHENTICATED',
        reason: 'TOKEN_INVALID',
      })
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    }
    expect(server.logText()).not.toContain('"level":"error"')
  })

  it('never keeps anyone from a public field', async () => {
    const ended = await server.client.register()
    await server.client.as(ended.accessToken).send('mutation { logout }')
    const headers = [...broken(), `Bearer ${ended.accessToken}`]
    for (const authorization of headers) {
      const providers = await send(authorization, '{ providers { id } }')
      expect({ authorization, ...providers }).toMatchObject({
        status: 200,
        data: { providers: [] },
      })
    }
    for (const authorization of headers.slice(-4)) {
      const variables = { email: account.email, password: account.password }
      const login = await server.client.send(
        'mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { refreshToken } }',
        variables,
        { authorization },
      )
      expect(login.errors).toBeUndefined()
      const refresh = await server.client.send(
        'mutation ($t: String) { refreshToken(refreshToken: $t) { tokenType } }',
        { t: login.data.login.refreshToken },
        { authorization },
      )
      expect(refresh.data).toEqual({ refreshToken: { tokenType: 'Bearer' } })
    }
  })

  it('distinguishes an expired token, a bad one, and a session that has ended', async () => {
    const [first, second] = [await server.client.register(), await server.client.register()]
    await server.client.as(second.accessToken).send('mutation { logout }')
    expect(await send(`Bearer ${second.accessToken}`)).toMatchObject({
      status: 401,
      reason: 'SESSION_ENDED',
    })
    server.advance(15 * 60)
    for (const { accessToken } of [first, second]) {
      const answer = await send(`Bearer ${accessToken}`)
      expect(answer).toMatchObject({ status: 401, reason: 'TOKEN_EXPIRED' })
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    }
    account = await server.client.register()
  })

  // GraphQL over HTTP: with data next to the error the operation has not failed.
  it('is reported by the status only if no other field has a result', async () => {
    const mixed = await send('Bearer x', '{ providers { id } me { id } }')
    expect(mixed).toMatchObject({ status: 401, data: null, reason: 'TOKEN_INVALID' })
    const both = await send('Bearer x', '{ protected me { id } }')
    expect(both).toMatchObject({ status: 401, data: null })
    const open = await send('Bearer x', '{ __typename }')
    expect(open.status).toBe(200)
    expect(open.headers.get('www-authenticate')).toBeNull()
  })

  // RFC 6750 sections 2.2 and 2.3: tokens in addresses end in logs.
  it('is the only place for an access token', async () => {
    const query = '{ protected }'
    const ways: [string, Record<string, string>, Record<string, unknown>][] = [
      [`?access_token=${account.accessToken}`, {}, {}],
      [`?token=${account.accessToken}`, {}, {}],
      ['', { cookie: `access_token=${account.accessToken}` }, {}],
      ['', { cookie: `latchkey-refresh=${account.refreshToken}` }, {}],
      ['', { 'x-access-token': account.accessToken }, {}],
      ['', { 'proxy-authorization': `Bearer ${account.accessToken}` }, {}],
      ['', {}, { access_token: account.accessToken }],
      ['', {}, { extensions: { authorization: `Bearer ${account.accessToken}` } }],
      ['', {}, { variables: { authorization: `Bearer ${account.accessToken}` } }],
    ]
    for (const [search, headers, more] of ways) {
      const answer = await readAnswer(
        await fetch(`${server.url}/graphql${search}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ query, ...more }),
        }),
      )
      expect(answer).toMatchObject({ status: 401, reason: 'TOKEN_MISSING' })
    }
  })

  it('is refused before it is looked at if it is far too long', async () => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${'x'.repeat(20_000)}`,
      },
      body: JSON.stringify({ query: '{ protected }' }),
    })
    expect(response.status).toBe(431)
    expect((await send(`Bearer ${account.accessToken}`)).errors).toBeUndefined()
  })

  // ASVS 7.4.1; jose takes padding and white space, so a list of refused strings would not do.
  it('holds an ended token in no spelling that opens anything', async () => {
    const { accessToken } = await server.client.register()
    expect((await send(`Bearer ${accessToken}`)).errors).toBeUndefined()
    const [head = '', body = '', tail = ''] = accessToken.split('.')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const lastRespelled = tail.slice(0, -1) + alphabet[alphabet.indexOf(tail.at(-1)!) ^ 1]
    expect(Buffer.from(lastRespelled, 'base64url')).toEqual(Buffer.from(tail, 'base64url'))
    const spellings = [
      `${accessToken}=`,
      `${accessToken}==`,
      `${head}=.${body}.${tail}`,
      `${head}.${body}=.${tail}`,
      `${head}. ${body}.${tail}`,
      `${head}.${body}.${tail.slice(0, 40)}\t${tail.slice(40)}`,
      `${head}.${body}.${lastRespelled}`,
      `${head}.${body}.${Buffer.from(tail, 'base64url').toString('base64')}==`,
      `${head}.${body}.${tail}A`,
      `${head}.${body}.${tail.slice(0, -1)}`,
      accessToken.replaceAll('.', '%2E'),
      `${accessToken}.`,
      `.${accessToken}`,
      accessToken.toLowerCase(),
    ]
    const reasons = async () => {
      const all = await Promise.all(spellings.map((spelling) => send(`Bearer ${spelling}`)))
      return all.map(({ reason }) => reason)
    }
    expect(await reasons()).toEqual(spellings.map(() => 'TOKEN_INVALID'))
    await server.client.as(accessToken).send('mutation { logout }')
    expect(await reasons()).toEqual(spellings.map(() => 'TOKEN_INVALID'))
    for (const scheme of ['Bearer ', 'bearer ', 'BEARER   ']) {
      expect((await send(scheme + accessToken)).reason).toBe('SESSION_ENDED')
    }
  })
})
