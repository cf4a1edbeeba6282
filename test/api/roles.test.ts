// @Authorized with roles, on fields that only this test has: what a copier of demo/ relies on.
import { printSchemaWithDirectives } from '@graphql-tools/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { testSchema } from '../support/test.resolver.ts'

let server: TestServer
beforeAll(async () => (server = await startServer({}, { schema: testSchema })))
afterAll(() => server.close())

const setRoles = (userId: string, roles: string[]) =>
  server.database.query('update users set roles = ? where id = ?', [JSON.stringify(roles), userId])

describe('a field that needs a role', () => {
  it('fails with FORBIDDEN for a user without it, and with UNAUTHENTICATED for a client that is not signed in', async () => {
    const { accessToken } = await server.client.register()
    const forbidden = await server.client.as(accessToken).send('{ secretOfAdmins }')
    expect(forbidden.status).toBe(403)
    expect(forbidden.data).toBeNull()
    expect(forbidden.errors).toEqual([
      expect.objectContaining({
        message: 'This field needs a role that you do not have.',
        path: ['secretOfAdmins'],
        extensions: { code: 'FORBIDDEN' },
      }),
    ])
    expect(forbidden.headers.get('www-authenticate')).toBeNull()

    const anonymous = await server.client.send('{ secretOfAdmins }')
    expect(anonymous.status).toBe(401)
    expect(anonymous.code).toBe('UNAUTHENTICATED')
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer')
    const stale = await server.client.as('a.b.c').send('{ secretOfAdmins }')
    expect(stale.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  })

  // What the token says of roles is for other services; here the account decides.
  it('obeys a promotion and a demotion at the next request, with the same token', async () => {
    const { accessToken, user } = await server.client.register()
    const ask = () => server.client.as(accessToken).send('{ secretOfAdmins me { roles } }')
    await setRoles(user.id, ['USER', 'ADMIN'])
    expect((await ask()).data).toEqual({
      secretOfAdmins: 'for administrators',
      me: { roles: ['USER', 'ADMIN'] },
    })
    await setRoles(user.id, ['USER'])
    expect((await ask()).code).toBe('FORBIDDEN')
  })

  it('does not believe the roles in a token that was issued to an administrator', async () => {
    const { user, email, password } = await server.client.register()
    await setRoles(user.id, ['ADMIN'])
    const login = await server.client.login(email, password)
    const { accessToken } = login.data.login
    expect(
      JSON.parse(Buffer.from(accessToken.split('.')[1], 'base64url').toString()).roles,
    ).toEqual(['ADMIN'])
    await setRoles(user.id, [])
    expect((await server.client.as(accessToken).send('{ secretOfAdmins }')).code).toBe('FORBIDDEN')
  })

  // Saleor CVE-2026-48744: of an empty list, "all" is true.
  it.each([
    [[], false, false],
    [['USER'], false, true],
    [['ADMIN'], true, true],
    [['USER', 'ADMIN'], true, true],
    [['admin'], false, false],
    [['ADMIN '], false, false],
    [['SUPERADMIN'], false, false],
    [['USER,ADMIN'], false, false],
  ])('counts roles exactly: %j', async (roles, opensAdmins, opensEither) => {
    const { accessToken, user } = await server.client.register()
    await setRoles(user.id, roles)
    const client = server.client.as(accessToken)
    const codes = [
      (await client.send('{ secretOfAdmins }')).code,
      (await client.send('{ secretOfEither }')).code,
    ]
    expect(codes).toEqual([
      opensAdmins ? undefined : 'FORBIDDEN',
      opensEither ? undefined : 'FORBIDDEN',
    ])
    // Without roles it is enough to be signed in.
    expect((await client.send('{ protected }')).errors).toBeUndefined()
  })

  it('takes nothing from the rest of a response but what GraphQL asks', async () => {
    const { accessToken } = await server.client.register()
    const answer = await server.client.as(accessToken).send('{ protected secretOfAdmins }')
    expect(answer.data).toBeNull()
    expect(answer.code).toBe('FORBIDDEN')
  })

  it('shows its guard in the schema', () => {
    const query = printSchemaWithDirectives(testSchema).split('type Query {')[1]!
    expect(query).toMatch(/secretOfAdmins: String! @requiresRole\(roles: \[ADMIN\]\)/)
    expect(query).toMatch(/secretOfEither: String! @requiresRole\(roles: \[USER, ADMIN\]\)/)
    expect(query).toMatch(/protected: String! @authenticated/)
    expect(query).toMatch(/never: String!\n/)
  })
})
