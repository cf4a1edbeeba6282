import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../support/client.ts'
import { recordHashing } from '../support/hashing.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => (server = await startServer()))
afterAll(() => server.close())

let people = 0
const freshEmail = () => `rules${++people}@example.com`

function register(email: string, password: unknown): Promise<Answer> {
  return server.client.send(
    `mutation ($email: String!, $password: String!) {
      register(email: $email, password: $password) { accessToken }
    }`,
    { email, password },
  )
}

function changePassword(
  accessToken: string,
  currentPassword: unknown,
  newPassword: unknown,
): Promise<Answer> {
  return server.client.as(accessToken).send(
    `mutation ($currentPassword: String, $newPassword: String!) {
      changePassword(currentPassword: $currentPassword, newPassword: $newPassword) { accessToken }
    }`,
    { currentPassword, newPassword },
  )
}

describe('a password', () => {
  it.each([
    ['8 characters', 'abcdefgh'],
    ['8 characters of 16 bytes', 'паролище'],
    ['8 emoji', '🐎🔋🐎🔋🐎🔋🐎🔋'],
    ['8 characters after composition, of 9 before', 'abcdefge\u0301'],
    ['64 bytes', 'a'.repeat(64)],
    ['72 bytes', 'a'.repeat(72)],
    ['72 bytes of 36 letters', 'é'.repeat(36)],
    ['72 bytes of 18 emoji', '🐎'.repeat(18)],
    // OWASP ASVS 6.2.5: no rule on what it is made of.
    ['lower-case letters only', 'correcthorsebatteryx'],
    ['digits only', '8472910364'],
    ['spaces only', ' '.repeat(12)],
    ['spaces around it', '  correct horse  '],
    ['quotes, backslashes and brackets', `"'\\{}$()<>\`;--`],
    ['control characters but NUL', 'line\nbreak\ttab\u0007'],
    ['more than 72 bytes before they are composed', 'e\u0301'.repeat(36)],
    ['a replacement character', 'correct \uFFFD horse'],
    ['another person’s e-mail address', 'somebody@example.com'],
    ['the e-mail address and more', 'ada@example.com!'],
  ])('may be %s, at register and at changePassword', async (_what, password) => {
    const email = freshEmail()
    expect((await register(email, password)).errors).toBeUndefined()
    expect((await server.client.login(email, password)).errors).toBeUndefined()

    const other = await server.client.register()
    const change = await changePassword(other.accessToken, other.password, password)
    expect(change.errors).toBeUndefined()
    expect((await server.client.login(other.email, password)).errors).toBeUndefined()
    expect((await server.client.login(other.email, other.password)).code).toBe(
      'INVALID_CREDENTIALS',
    )
  })

  it.each([
    ['empty', ''],
    ['7 characters', 'abcdefg'],
    ['7 characters after composition', 'abcdef\u0065\u0301'],
    // NIST SP 800-63B section 3.1.1.2: each code point is one character, whatever it takes to encode.
    ['2 emoji of 8 bytes', '😀😀'],
    ['7 emoji of 28 bytes', '😀'.repeat(7)],
    ['3 Chinese characters of 9 bytes', '密码吗'],
    ['4 Cyrillic letters of 8 bytes', 'мама'],
    // CVE-2025-25298: bcrypt reads 72 bytes.
    ['73 bytes', 'a'.repeat(73)],
    ['74 bytes of 37 letters', 'é'.repeat(37)],
    ['80 bytes', 'a'.repeat(80)],
    ['90 kilobytes', 'a'.repeat(90_000)],
    ['90 kilobytes of marks', `a${'\u0323\u0307'.repeat(22_000)}`],
    // OWASP Password Storage: what a C string ends at.
    ['with a NUL', 'correct\0horse'],
    ['with a NUL at its end', 'correct horse\0'],
    ['with a lone surrogate', 'correct \uD800 horse'],
    ['with surrogates in the wrong order', 'correct \uDC00\uD800 horse'],
    ['the e-mail address', 'EMAIL'],
    ['the e-mail address in capitals', 'EMAIL UPPER'],
    ['what stands before the @', 'LOCAL'],
  ])('may not be %s, at register or at changePassword', async (_what, given) => {
    const email = `somebody.${freshEmail()}`
    const password =
      { EMAIL: email, 'EMAIL UPPER': email.toUpperCase(), LOCAL: email.split('@')[0] }[given] ??
      given
    const tasks = recordHashing()
    const answer = await register(email, password)
    expect(answer.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'password' })
    expect(await server.database.query('select id from users where email = ?', [email])).toEqual([])
    // Refused before anything is hashed.
    expect(tasks).toEqual([])

    const person = await server.client.register({ email })
    const change = await changePassword(person.accessToken, person.password, password)
    expect(change.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'newPassword' })
    expect((await server.client.login(email, person.password)).errors).toBeUndefined()
  })

  it.each([
    ['too few characters', '😀😀', 'A password must have at least 8 characters.'],
    ['too many bytes', 'é'.repeat(37), 'A password must have at most 72 bytes'],
  ])('that is refused for %s is refused with that reason', async (_what, password, message) => {
    const answer = await register(freshEmail(), password)
    expect(answer.errors?.[0]?.message).toContain(message)
  })

  it.each([1, 10])('of %i megabytes never reaches GraphQL', async (megabytes) => {
    const { email } = await server.client.register()
    const tasks = recordHashing()
    const password = 'a'.repeat(megabytes * 1024 * 1024)
    for (const answer of [
      await register(freshEmail(), password),
      await server.client.login(email, password),
    ]) {
      expect([answer.status, answer.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
    }
    expect(tasks).toEqual([])
  })

  it.each([
    ['a list', ['correct horse battery']],
    ['an object', { password: 'correct horse battery' }],
    ['a number', 1234567890],
    ['null', null],
  ])('that is %s is refused without being repeated', async (_what, password) => {
    const answer = await register(freshEmail(), password)
    expect([answer.status, answer.code]).toEqual([400, 'BAD_USER_INPUT'])
    expect(answer.text).not.toMatch(/correct horse|1234567890/)
  })

  it.each([
    ['one byte more than was registered', 'a'.repeat(72), 'a'.repeat(73)],
    ['one byte less', 'a'.repeat(72), 'a'.repeat(71)],
    ['eight bytes more', 'a'.repeat(72), 'a'.repeat(80)],
    // bcrypt reads 72 bytes: within 72 letters there may be more.
    ['one letter of two bytes more', 'é'.repeat(36), 'é'.repeat(37)],
    ['one emoji more', '🐎'.repeat(18), '🐎'.repeat(19)],
    ['a part of the last letter', 'é'.repeat(36), `${'é'.repeat(35)}\u00C3`],
    // bcrypt repeats the password with a NUL behind it.
    ['the password twice, with a NUL between', 'abcdefgh', 'abcdefgh\0abcdefgh'],
    ['a NUL behind it', 'abcdefgh', 'abcdefgh\0'],
    ['more behind a NUL', 'abcdefgh', 'abcdefgh\0ijk'],
    // In UTF-8 a lone surrogate would become U+FFFD.
    ['a lone surrogate for a replacement character', 'a horse \uFFFD', 'a horse \uD800'],
    ['another letter case', 'correct horse', 'Correct horse'],
    ['spaces around it', 'correct horse', ' correct horse '],
    ['what only looks alike', 'correct horse', 'сorrect horse'],
    ['a compatible form, which is another text', 'office five', 'o\uFB03ce five'],
    ['90 kilobytes', 'correct horse', 'a'.repeat(90_000)],
    ['nothing', 'correct horse', ''],
  ])('is not %s', async (_what, password, typed) => {
    const email = freshEmail()
    const { data } = await register(email, password)
    const login = await server.client.login(email, typed)
    expect([login.status, login.code]).toEqual([200, 'INVALID_CREDENTIALS'])
    const change = await changePassword(data.register.accessToken, typed, 'another password')
    expect(change.code).toBe('INVALID_CREDENTIALS')
    expect((await server.client.login(email, password)).errors).toBeUndefined()
  })

  // NIST SP 800-63B section 3.1.1.2: one text, whichever way a keyboard composes it.
  it.each([
    ['composed', 'pässwörd ǰ 각'.normalize('NFC'), 'pässwörd ǰ 각'.normalize('NFD')],
    ['decomposed', 'pässwörd ǰ 각'.normalize('NFD'), 'pässwörd ǰ 각'.normalize('NFC')],
    ['with a singleton', 'the \u212Bngstrom', 'the A\u030Angstrom'],
  ])('that was typed %s is the same in another form', async (_what, one, other) => {
    const email = freshEmail()
    const { data } = await register(email, one)
    expect((await server.client.login(email, other)).errors).toBeUndefined()
    const change = await changePassword(data.register.accessToken, other, `new ${one}`)
    expect(change.errors).toBeUndefined()
    expect((await server.client.login(email, `new ${other}`)).errors).toBeUndefined()
  })

  it('is stored as a salted hash, and shows nowhere', async () => {
    const password = 'canary of the password rules'
    const emails = [freshEmail(), freshEmail()]
    const answers: string[] = []
    for (const email of emails) {
      answers.push((await register(email, password)).text)
      answers.push((await server.client.login(email, password)).text)
      answers.push((await server.client.login(email, `${password}!`)).text)
    }
    const rows = await server.database.query(
      'select password_hash from users where email in (?, ?)',
      emails,
    )
    const hashes = rows.map((row) => String(row['password_hash']))
    expect(new Set(hashes).size).toBe(2)
    for (const hash of hashes) {
      expect(hash).toMatch(/^\$2b\$04\$[./A-Za-z0-9]{53}$/)
      expect(answers.join('')).not.toContain(hash)
      expect(server.logText()).not.toContain(hash)
    }
    expect(answers.join('')).not.toContain(password)
    expect(server.logText()).not.toContain(password)
  })
})
