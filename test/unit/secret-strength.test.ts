import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeWeakness } from '../../src/config/secret-strength.ts'

describe('a secret', () => {
  it.each([
    ['one letter', 'a'.repeat(32), 'repeats itself'],
    ['one letter of two bytes', 'é'.repeat(16), 'repeats itself'],
    ['one letter, and another at its end', `${'a'.repeat(40)}b`, 'repeats itself'],
    ['a word again and again, and digits', `${'secret'.repeat(6)}123`, 'repeats itself'],
    ['another word and digits', `${'admin'.repeat(8)}12`, 'repeats itself'],
    ['two words again and again, and signs', `${'helloworld'.repeat(3)}!!!`, 'repeats itself'],
    ['some words twice, and a digit', 'latchkey-secret-latchkey-secret-1', 'repeats itself'],
    ['a word that is counted', 'secret1secret2secret3secret4secret5', 'repeats itself'],
    ['a word in several cases', 'SecretSECRETsecretSecretSECRETsecret', 'repeats itself'],
    ['a word again and again, after something else', `x9-${'hunter'.repeat(6)}`, 'repeats itself'],
    ['two letters in turn', 'xk'.repeat(20), 'repeats itself'],
    [
      'two letters in no order',
      'kkxkxxkkkxkxkxxkxkkxxkxkkxxkkxkx',
      'has too few different characters',
    ],
    ['a word again and again, cut off', 'deadbeefdeadbeefdeadbeefdeadbeefdea', 'repeats itself'],
    ['half a secret, twice', 'Zk3v9QpL0xWm7RtYZk3v9QpL0xWm7RtY', 'repeats itself'],
    ['digits in order', '01234567890123456789012345678901', 'repeats itself'],
    ['hexadecimal digits in order', '0123456789abcdef0123456789abcdef', 'repeats itself'],
    ['the alphabet', 'abcdefghijklmnopqrstuvwxyzABCDEFG', 'is a sequence'],
    ['the alphabet backwards', 'zyxwvutsrqponmlkjihgfedcba98765432', 'is a sequence'],
    ['a keyboard', 'qwertyuiopasdfghjklzxcvbnm123456', 'is a placeholder'],
    ['an order to change it', 'please-change-me-before-you-start!', 'is a placeholder'],
    ['another', 'CHANGE_THIS_TO_SOMETHING_VERY_LONG', 'is a placeholder'],
    ['an example', 'this-is-an-example-of-a-long-secret', 'is a placeholder'],
    ['a name for itself', 'your_app_secret_goes_in_this_place', 'is a placeholder'],
    ['a password', 'PASSWORD-of-the-authentication-server', 'is a placeholder'],
    ['the command that makes one', '<openssl rand -base64 32> from README', 'is a placeholder'],
  ])('is refused when it is %s', (_what, secret, weakness) => {
    expect(describeWeakness(secret)).toBe(weakness)
  })

  it('is refused when it is a short piece again and again, whatever is before and after', () => {
    const piece = fc.string({ minLength: 3, maxLength: 12 })
    const end = fc.string({ maxLength: 5 })
    const isRefused = (word: string, before: string, after: string) =>
      describeWeakness(`${before}${word.repeat(Math.ceil(36 / word.length))}${after}`) !== undefined
    expect(() =>
      fc.assert(fc.property(piece, end, end, isRefused), { numRuns: 1000 }),
    ).not.toThrow()
  })

  it('is taken when it is random, in whatever alphabet', () => {
    const digits = () => Array.from({ length: 40 }, () => randomInt(10)).join('')
    for (let round = 0; round < 500; round += 1) {
      const secrets = [
        randomBytes(16).toString('hex'),
        randomBytes(24).toString('base64url'),
        randomBytes(32).toString('base64'),
        randomBytes(32).toString('hex'),
        randomBytes(64).toString('hex'),
        `${randomUUID()}${randomUUID()}`,
        `${randomUUID()}-${randomUUID()}`.toUpperCase(),
        digits(),
      ]
      expect(secrets.map(describeWeakness)).toEqual(secrets.map(() => undefined))
    }
  })

  it('is taken when it is a sentence', () => {
    expect(describeWeakness('a secret that only the tests of this repository use')).toBeUndefined()
  })
})
