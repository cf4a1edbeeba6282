/** A password that an operator gives to an account: with `user create` or `user set-password`. */
import { randomBytes } from 'node:crypto'
import type { PasswordColumns } from '../../core/users/password-columns.ts'
import { initialPasswordExpiry } from './initial-password.ts'
import { PasswordHasher } from './password-hasher.ts'
import { checkNewPassword } from './password-policy.ts'

/** @returns a password that no one guesses, to be printed once */
export function generatePassword(): string {
  return randomBytes(18).toString('base64url')
}

/**
 * The one place that decides what an operator's password means for the account.
 * @param email in normal form
 * @throws AppError BAD_USER_INPUT
 */
export async function operatorPassword(
  password: string,
  email: string,
  bcryptCost: number,
): Promise<PasswordColumns & { passwordHash: string }> {
  const checked = checkNewPassword('password', password, email)
  const hasher = new PasswordHasher({ cost: bcryptCost })
  try {
    const passwordHash = await hasher.hash(checked)
    return { passwordHash, passwordExpiresAt: initialPasswordExpiry(Date.now()) }
  } finally {
    await hasher.close()
  }
}
