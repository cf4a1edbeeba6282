/** Whether a secret of enough length is one that can be guessed. */

/** Typed instead of a secret, or copied from an example. Compared without case and without what is between the letters. */
const placeholders = [
  'changeme',
  'changethis',
  'changeit',
  'replaceme',
  'replacethis',
  'replacewith',
  'placeholder',
  'yoursecret',
  'yourappsecret',
  'mysecret',
  'supersecret',
  'example',
  'password',
  'qwerty',
  'opensslrand',
]
/** Far below what 32 random characters of any alphabet have, binary digits excepted. */
const leastBits = 64
/** Of the steps from one character to the next; random digits have a quarter of such steps. */
const mostStepsInOrder = 0.6

/** @returns what is wrong with it, to be read after "it"; undefined if nothing is */
export function describeWeakness(secret: string): string | undefined {
  const letters = secret.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
  if (placeholders.some((word) => letters.includes(word))) return 'is a placeholder'
  const characters = Array.from(secret)
  if (isRepetition(characters)) return 'repeats itself'
  const codes = characters.map((character) => character.codePointAt(0)!)
  const stepsInOrder = codes.filter(
    (code, index) => index > 0 && Math.abs(code - codes[index - 1]!) <= 1,
  )
  if (stepsInOrder.length > mostStepsInOrder * codes.length) return 'is a sequence'
  return entropyBits(characters) < leastBits ? 'has too few different characters' : undefined
}

/** Whether it is one part again and again, the last time perhaps cut off. */
function isRepetition(characters: readonly string[]): boolean {
  const longestPart = Math.floor(characters.length / 2)
  for (let part = 1; part <= longestPart; part += 1) {
    if (characters.every((character, index) => character === characters[index % part])) return true
  }
  return false
}

/** Shannon's measure, from the frequencies of its own characters. */
function entropyBits(characters: readonly string[]): number {
  const counts = new Map<string, number>()
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1)
  return [...counts.values()].reduce(
    (bits, count) => bits - count * Math.log2(count / characters.length),
    0,
  )
}
