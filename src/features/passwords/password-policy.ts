/** The rules for a password: long enough to resist guessing, and short enough for bcrypt to read all of it. */
import { badUserInput } from '../../core/errors.ts'

/** Unicode code points (NIST SP 800-63B section 3.1.1.2): two emoji are two characters, whatever their bytes. */
export const minimumCharacters = 8
/** bcrypt reads no further; a longer password would be two passwords with one hash. */
export const maximumBytes = 72

/** One form for one text, whichever keyboard it came from (NIST SP 800-63B section 3.1.1.2). */
export function normalizePassword(password: string): string {
  return password.normalize('NFC')
}

/**
 * Whether bcrypt can distinguish it from every other password. A NUL would not do: bcrypt repeats the
 * password with a NUL behind it, so `a\0a` and `a` are one.
 */
export function isHashable(normalized: string): boolean {
  return (
    normalized.isWellFormed() &&
    !normalized.includes('\0') &&
    Buffer.byteLength(normalized) <= maximumBytes
  )
}

/**
 * @param field the argument's name
 * @param email in normal form, if there is one
 * @returns the password in normal form
 * @throws AppError BAD_USER_INPUT
 */
export function checkNewPassword(field: string, password: string, email: string | null): string {
  // Before normalising, whose work grows with the length; NFC at most triples the bytes.
  const normalized = password.length <= 3 * maximumBytes ? normalizePassword(password) : password
  if (Buffer.byteLength(normalized) > maximumBytes) {
    throw badUserInput(
      field,
      `A password must have at most ${maximumBytes} bytes: as many ASCII characters, or fewer others, which take two to four bytes each.`,
    )
  }
  if (Array.from(normalized).length < minimumCharacters) {
    throw badUserInput(field, `A password must have at least ${minimumCharacters} characters.`)
  }
  if (!isHashable(normalized)) {
    throw badUserInput(field, 'A password must not contain NUL characters or broken Unicode.')
  }
  const lowered = normalized.toLowerCase()
  if (email !== null && (lowered === email || lowered === email.split('@')[0])) {
    throw badUserInput(field, 'A password must not be the e-mail address.')
  }
  return normalized
}
