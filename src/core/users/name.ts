/** The rules for a user's name. */
import { badUserInput } from '../errors.ts'

/** Unicode code points, which PostgreSQL counts too: a limit in UTF-16 units would count an emoji twice. */
const maximumCharacters = 200

/**
 * In NFC and trimmed.
 * @returns undefined if nothing is left of it
 * @throws AppError BAD_USER_INPUT
 */
export function checkName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  // Checked before normalising, whose work grows with the length. NFC makes one code point of up to four units.
  const name = text.length <= 4 * maximumCharacters ? text.normalize('NFC').trim() : text
  if (name === '') return undefined
  if (countCharacters(name) > maximumCharacters || !name.isWellFormed() || /\p{Cc}/u.test(name)) {
    throw badUserInput(
      'name',
      `A name must be at most ${maximumCharacters} characters, without control characters.`,
    )
  }
  return name
}

/**
 * The name that a provider sent, in the form that `checkName` accepts: cut to its limit, since the user
 * cannot correct it.
 * @returns undefined if nothing is left of it
 */
export function shortenName(text: string): string | undefined {
  const name = text
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
  return takeCharacters(name, maximumCharacters).trim() || undefined
}

/** The first code points of a text: `slice` could cut a surrogate pair in half. */
export function takeCharacters(text: string, limit: number): string {
  return Array.from(text.slice(0, 2 * limit))
    .slice(0, limit)
    .join('')
}

function countCharacters(text: string): number {
  return Array.from(text).length
}
