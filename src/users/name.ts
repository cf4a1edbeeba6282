/** What a person may be called. */
import { badUserInput } from '../errors.ts'

const maximumCharacters = 200

/**
 * In NFC and trimmed.
 * @returns undefined where nothing is left of it
 * @throws AppError BAD_USER_INPUT
 */
export function checkName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  // Long before normalising, whose work grows with the length.
  const name = text.length <= 2 * maximumCharacters ? text.normalize('NFC').trim() : text
  if (name === '') return undefined
  if (name.length > maximumCharacters || !name.isWellFormed() || /\p{Cc}/u.test(name)) {
    throw badUserInput(
      'name',
      `A name must be at most ${maximumCharacters} characters, without control characters.`,
    )
  }
  return name
}
