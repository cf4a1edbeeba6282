/**
 * A password that an operator has set is known to two, and was on its way to the user: it works for a
 * while only, until the user has chosen one (ASVS 6.4.1, docs/adr/0036).
 */
export const initialPasswordDays = 7

/** For the operator, who passes the password on. */
export const initialPasswordNotice = `It works for ${initialPasswordDays} days: the user has to change it before.`

/** @param now milliseconds since the epoch. @returns when a password that is set now stops working */
export function initialPasswordExpiry(now: number): number {
  return now + initialPasswordDays * 24 * 60 * 60 * 1000
}
