import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

const document = `mutation ($email: String!, $password: String!, $name: String) {
  register(email: $email, password: $password, name: $name) {
    accessToken user { id email name emailVerified roles }
  }
}`
const password = 'correct horse battery'

describe('register', () => {
  let server: TestServer
  beforeAll(async () => (server = await startServer()))
  afterAll(() => server.close())

  const register = (variables: Record<string, unknown>) =>
    server.client.send(document, { password, ...variables })
  const rowsOf = (email: string) =>
    server.database.query('select id from users where email = ?', [email])

  // OWASP ASVS 15.4.2: the unique index decides, not a look beforehand.
  it('makes one account of twenty at once, in any letter case, on two servers', async () => {
    const servers = [server, await server.sibling()]
    const spellings = [
      'race@example.com',
      ' RACE@EXAMPLE.COM ',
      'Race@Example.com',
      'race@example.COM\n',
    ]
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        servers[index % 2]!.client.send(document, {
          email: spellings[index % spellings.length],
          password: `${password} ${index}`,
        }),
      ),
    )
    const winners = answers.filter(({ errors }) => !errors)
    expect(winners).toHaveLength(1)
    expect(answers.filter(({ code }) => code === 'EMAIL_TAKEN')).toHaveLength(19)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await rowsOf('race@example.com')).toHaveLength(1)
    // The one password that works is the winner's.
    const logins = await Promise.all(
      answers.map((_, index) => server.client.login('race@example.com', `${password} ${index}`)),
    )
    expect(logins.map(({ errors }) => !errors)).toEqual(answers.map(({ errors }) => !errors))
  })

  it('never overwrites an account', async () => {
    const { client } = server
    const person = await client.register({ name: 'Ada' })
    const before = await server.database.query('select * from users where id = ?', [person.user.id])
    const answer = await register({
      email: person.email.toUpperCase(),
      password: 'another password',
      name: 'Eve',
    })
    expect([answer.status, answer.code, answer.data]).toEqual([200, 'EMAIL_TAKEN', null])
    expect(
      await server.database.query('select * from users where id = ?', [person.user.id]),
    ).toEqual(before)
    expect((await client.login(person.email, 'another password')).code).toBe('INVALID_CREDENTIALS')
    expect((await client.login(person.email, person.password)).errors).toBeUndefined()
  })

  it.each([
    ['a@register.test,b@register.test'],
    ['a@register.test b@register.test'],
    ['a@register.test;b@register.test'],
    ['mi\u212Ae@register.test'],
    ['victim\uFF20register.test'],
    ['ada@register.test/evil'],
    ['ada\0@register.test'],
    ['ada\r\nBcc: eve@register.test'],
    [`${'a'.repeat(65)}@register.test`],
    [`a@${'b.'.repeat(130)}test`],
    ['register.test'],
    [''],
  ])('refuses the e-mail %j', async (email) => {
    const answer = await register({ email })
    expect(answer.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'email' })
    expect(
      await server.database.query("select id from users where email like '%register.test'"),
    ).toEqual([])
  })

  // CVE-2023-7028
  it('takes one address, not a list', async () => {
    const answer = await register({ email: ['a@list.test', 'b@list.test'] })
    expect([answer.status, answer.code]).toEqual([400, 'BAD_USER_INPUT'])
  })

  it.each([
    ['user@bücher.test', 'user@xn--bcher-kva.test'],
    ['JOSÉ@example.com', 'jose\u0301@example.com'],
  ])('and login know %s under each of its spellings', async (one, other) => {
    const { data } = await register({ email: one })
    expect((await register({ email: other })).code).toBe('EMAIL_TAKEN')
    const login = await server.client.login(other, password)
    expect(login.data.login.user.id).toBe(data.register.user.id)
  })

  it.each([
    ['a.b@folding.test', 'ab@folding.test'],
    ['a+1@folding.test', 'a@folding.test'],
    ['mike@example.com', 'mıke@example.com'],
    ['vïctim@example.com', 'victim@example.com'],
    ['аda@example.com', 'ada@example.com'],
    ['ada@exаmple.com', 'ada2@example.com'],
  ])('keeps %s and %s apart', async (one, other) => {
    const first = await register({ email: one })
    const second = await register({ email: other })
    expect(second.data.register.user.id).not.toBe(first.data.register.user.id)
  })

  it('asks for no proof of the address, and grants nothing for it', async () => {
    const { data } = await register({ email: 'unproven@example.com' })
    expect(data.register.user).toMatchObject({ emailVerified: false, roles: ['USER'] })
  })

  it.each(['emailVerified: true', 'role: ADMIN', 'roles: [ADMIN]', 'id: "1"'])(
    'knows no argument %s',
    async (argument) => {
      const answer = await server.client.send(
        `mutation { register(email: "x@argument.test", password: "${password}", ${argument}) { tokenType } }`,
      )
      expect([answer.status, answer.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED'])
      expect(await rowsOf('x@argument.test')).toEqual([])
    },
  )

  it.each([
    ['  Ada Lovelace ', 'Ada Lovelace'],
    ['Zoe\u0308', 'Zoë'],
    ['<a href=//evil.test>', '<a href=//evil.test>'],
    ["Robert'); drop table users;--", "Robert'); drop table users;--"],
    ['n'.repeat(200), 'n'.repeat(200)],
    ['😀'.repeat(200), '😀'.repeat(200)],
    ['각'.normalize('NFD').repeat(200), '각'.repeat(200)],
    ['   ', null],
    [null, null],
  ])('keeps the name %j as %j', async (name, kept) => {
    const email = `name${names++}@example.com`
    const { data } = await register({ email, name })
    expect(data.register.user.name).toBe(kept)
  })
  let names = 0

  it.each([
    ['a line break', 'Ada\r\nBcc: eve@evil.test'],
    ['a NUL', 'Ada\0'],
    ['an escape', '\u001B[2J'],
    ['a lone surrogate', 'Ada\uD800'],
    ['201 characters', 'n'.repeat(201)],
    ['201 emoji', '😀'.repeat(201)],
    ['90 kilobytes', 'n'.repeat(90_000)],
  ])('refuses a name with %s', async (_what, name) => {
    const email = 'refused.name@example.com'
    const answer = await register({ email, name })
    expect(answer.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'name' })
    expect(await rowsOf(email)).toEqual([])
  })

  it('is closed if the operator says so, for every address alike', async () => {
    const { email } = await server.client.register()
    const closed = await server.sibling({ REGISTRATION: 'closed' })
    for (const address of [email, 'new@example.com', 'no address']) {
      const answer = await closed.client.send(document, { email: address, password })
      expect([answer.status, answer.code]).toEqual([403, 'FORBIDDEN'])
    }
    expect((await closed.client.login(email, password)).errors).toBeUndefined()
  })
})
