/** Whether an account's password still works: one that an operator set expires (docs/adr/0036). */

export interface StoredPassword {
  readonly hasPassword: boolean
  /** A date, or milliseconds since the epoch; null for a password that the user chose. */
  readonly passwordExpiresAt: Date | number | null
}

/** @param now milliseconds since the epoch */
export function isPasswordUsable(
  { hasPassword, passwordExpiresAt }: StoredPassword,
  now: number,
): boolean {
  return hasPassword && (passwordExpiresAt === null || Number(passwordExpiresAt) > now)
}

/** @param user the row as the ORM reads it */
export function storedPasswordOf(user: {
  readonly passwordHash?: string | null | undefined
  readonly passwordExpiresAt?: number | null | undefined
}): StoredPassword {
  return {
    hasPassword: user.passwordHash != null,
    passwordExpiresAt: user.passwordExpiresAt ?? null,
  }
}
