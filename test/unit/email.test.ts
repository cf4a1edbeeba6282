import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizeEmail } from '../../src/core/users/email.ts'

describe('an e-mail address in normal form', () => {
  it.each([
    ['ada@example.com', 'ada@example.com'],
    ['  Ada@Example.COM\t\r\n', 'ada@example.com'],
    // The local part is its owner's: nothing is folded but the case.
    ['a.b@example.com', 'a.b@example.com'],
    ['a+1@example.com', 'a+1@example.com'],
    ["o'neil!#$%&*/=?^_`{|}~-@example.com", "o'neil!#$%&*/=?^_`{|}~-@example.com"],
    ['a@mail.example.co.uk', 'a@mail.example.co.uk'],
    // RFC 5891: the internationalised domain and its punycode are one.
    ['user@bücher.test', 'user@xn--bcher-kva.test'],
    ['user@BÜCHER.test', 'user@xn--bcher-kva.test'],
    ['user@xn--bcher-kva.test', 'user@xn--bcher-kva.test'],
    ['user@faß.test', 'user@xn--fa-hia.test'],
    // Letters beyond ASCII stay (RFC 6531), whichever way they are composed.
    ['JOSÉ@example.com', 'josé@example.com'],
    ['jose\u0301@example.com', 'josé@example.com'],
    ['J\u030C@example.com', '\u01F0@example.com'],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
    [longAddress(254), longAddress(254)],
  ])('%j is %j', (text, email) => {
    expect(normalizeEmail(text)).toBe(email)
  })

  it.each([
    ['nothing', ''],
    ['white space', ' '],
    ['no @', 'example.com'],
    ['no local part', '@example.com'],
    ['no domain', 'ada@'],
    ['a domain without a dot', 'ada@localhost'],
    ['a leading dot', '.ada@example.com'],
    ['a trailing dot', 'ada.@example.com'],
    ['two dots', 'a..b@example.com'],
    ['a dot behind the domain', 'ada@example.com.'],
    ['a hyphen before the dot', 'ada@example-.com'],
    ['a quoted local part', '"a b"@example.com'],
    ['a comment', 'ada(x)@example.com'],
    ['a display name', 'Ada <ada@example.com>'],
    ['an address literal', 'ada@[127.0.0.1]'],
    ['an address as a number', 'ada@0x7f.1'],
    // CVE-2023-7028: what reads as two recipients.
    ['two @', 'a@x.test@example.com'],
    ['a comma', 'a@x.test,b@y.test'],
    ['a semicolon', 'a@x.test;b@y.test'],
    ['two addresses', 'a@x.test b@y.test'],
    // CVE-2020-7769: what ends a line or a string elsewhere.
    ['a line break', 'ada\r\nbcc:eve@example.com'],
    ['a line break in the domain', 'ada@example\n.com'],
    ['a tab in the domain', 'ada@exam\tple.com'],
    ['a NUL', 'ada\0@example.com'],
    ['a NUL in the domain', 'ada@example.com\0.evil.test'],
    ['an escape', 'ada\u001B@example.com'],
    ['a lone surrogate', 'ada\uD800@example.com'],
    // What a URL parser drops or decodes.
    ['a path', 'ada@example.com/evil.test'],
    ['a query', 'ada@example.com?evil.test'],
    ['a fragment', 'ada@example.com#evil.test'],
    ['a backslash', 'ada@example.com\\evil.test'],
    ['a port', 'ada@example.com:80'],
    ['a percent escape', 'ada@ex%61mple.com'],
    ['punycode of nothing', 'ada@xn--.com'],
    ['punycode of ASCII', 'ada@xn--example-.com'],
    ['65 bytes before the @', `${'a'.repeat(65)}@example.com`],
    ['64 characters of more bytes', `${'é'.repeat(64)}@example.com`],
    ['a label of 64 bytes', `ada@${'a'.repeat(64)}.com`],
    ['255 bytes', longAddress(255)],
    ['a megabyte', `${'a'.repeat(1_000_000)}@example.com`],
    // CVE-2019-19844, CVE-2026-73420: what turns into ASCII on the way.
    ['the Kelvin sign', 'mi\u212Ae@example.com'],
    ['a long s', 'mi\u017Fs@example.com'],
    ['a dotted capital I', 'm\u0130ke@example.com'],
    ['a ligature', '\uFB01n@example.com'],
    ['a full-width letter', '\uFF41da@example.com'],
    ['a full-width @', 'victim\uFF20evil.test'],
    ['a full-width @ beside a real one', 'victim\uFF20evil.test@example.com'],
    ['a Greek question mark', 'ada\u037E@example.com'],
    ['a full-width dot', 'ada@example\uFF0Ecom'],
    ['an ideographic full stop', 'ada@example\u3002com'],
    ['a soft hyphen', 'ada@exam\u00ADple.com'],
    ['a zero-width space', 'ada@exam\u200Bple.com'],
    ['a zero-width joiner', 'a\u200Dda@example.com'],
    ['a variation selector', 'ada@example\uFE0F.com'],
    ['a right-to-left override', 'ada\u202E@example.com'],
  ])('is not found if there is %s', (_what, text) => {
    expect(normalizeEmail(text)).toBeUndefined()
  })

  it.each(['mıke@example.com', 'vïctim@example.com', 'аda@example.com', 'ada@exаmple.com'])(
    'is its own for the look-alike %s',
    (text) => {
      expect(isPlain(normalizeEmail(text)!)).toBe(false)
    },
  )
})

describe('for whatever text', () => {
  const pieces = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom('a', 'Ada', '.', '@', 'example.com', 'xn--', 'bücher', 'ß', 'Σ', 'I', 'ı', 'J'),
    fc.constantFrom(
      '\u030C',
      '\u0307',
      '\u0345',
      '\u1E9E',
      '\u212A',
      '\uFF20',
      '\u00AD',
      '%61',
      '/',
    ),
  )
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 6 }).map((parts) => parts.join('')),
    fc
      .tuple(fc.array(pieces, { maxLength: 4 }), fc.array(pieces, { maxLength: 4 }))
      .map(([local, host]) => `${local.join('')}@${host.join('')}.com`),
    fc.emailAddress(),
  )

  const holds = (property: (text: string) => boolean) => () =>
    fc.assert(fc.property(texts, property), { numRuns: 3000 })

  it('finding an address never throws, and finding it again changes nothing', () => {
    const isStable = (text: string) => {
      const email = normalizeEmail(text)
      return email === undefined || normalizeEmail(email) === email
    }
    expect(holds(isStable)).not.toThrow()
  })

  it('only ASCII becomes an ASCII address, and by nothing but trimming and lower case', () => {
    const isWhatWasTyped = (text: string) => {
      const email = normalizeEmail(text)
      return email === undefined || !isPlain(email) || email === text.trim().toLowerCase()
    }
    expect(holds(isWhatWasTyped)).not.toThrow()
  })

  it('no single character of Unicode is dropped or turned into ASCII', () => {
    const found: string[] = []
    for (let code = 0x80; code < 0xe0200; code++) {
      // Nothing is assigned between the third plane's letters and the tags.
      if (code === 0x33480) code = 0xe0000
      const character = String.fromCodePoint(code)
      // At the edge of the text white space is trimmed; here there is none.
      for (const text of [`a${character}b@example.com`, `a@exam${character}ple.com`]) {
        const email = normalizeEmail(text)
        if (email !== undefined && (isPlain(email) || normalizeEmail(email) !== email)) {
          found.push(text)
        }
      }
    }
    expect(found).toEqual([])
  })
})

/** Whether it is written in ASCII and stands for nothing else. */
function isPlain(email: string): boolean {
  return /^[\0-\x7f]*$/.test(email) && !/[@.]xn--/.test(email)
}

/** An address of so many bytes, each label within its own limit. */
function longAddress(bytes: number): string {
  const address = `a@${`${'b'.repeat(63)}.`.repeat(3)}${'c'.repeat(63)}`
  return address.slice(0, bytes - 4).replace(/\.$/, 'b') + '.com'
}
