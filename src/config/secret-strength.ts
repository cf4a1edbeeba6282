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
/** As much of it as may have been there before. Two random UUIDs have none of it in common. */
const mostRepeated = 0.45
/** Far below what 32 random characters of any alphabet have, binary digits excepted. */
const leastBits = 64
/** Of the steps from one character to the next; random digits have a quarter of such steps. */
const mostStepsInOrder = 0.6

/** @returns what is wrong with it, to be read after "it"; undefined if nothing is */
export function describeWeakness(secret: string): string | undefined {
  const letters = secret.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
  if (placeholders.some((word) => letters.includes(word))) return 'is a placeholder'
  const characters = Array.from(secret)
  if (repeatedShare(characters) > mostRepeated) return 'repeats itself'
  const codes = characters.map((character) => character.codePointAt(0)!)
  const stepsInOrder = codes.filter(
    (code, index) => index > 0 && Math.abs(code - codes[index - 1]!) <= 1,
  )
  if (stepsInOrder.length > mostStepsInOrder * codes.length) return 'is a sequence'
  return entropyBits(characters) < leastBits ? 'has too few different characters' : undefined
}

/**
 * How much of it is in parts that have been there before, in whatever case. A part is longer than what a
 * random text of the same characters has twice by chance.
 */
function repeatedShare(characters: readonly string[]): number {
  const folded = characters.map((character) => character.toLowerCase())
  const bitsPerCharacter = Math.max(1, entropyBits(folded) / folded.length)
  const length = Math.max(4, Math.ceil((2 * Math.log2(folded.length)) / bitsPerCharacter))
  const seen = new Set<string>()
  const repeated = new Set<number>()
  for (let start = 0; start + length <= folded.length; start += 1) {
    const part = folded.slice(start, start + length).join('')
    if (seen.has(part))
      for (let offset = 0; offset < length; offset += 1) repeated.add(start + offset)
    seen.add(part)
  }
  return repeated.size / folded.length
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
