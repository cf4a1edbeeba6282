/** The columns of an account that belong to its password. */
import type { User } from './user.entity.ts'

export type PasswordColumns = Pick<User, 'passwordHash' | 'passwordExpiresAt'>

/** Of an account that has no password. */
export const noPassword: PasswordColumns = { passwordHash: null, passwordExpiresAt: null }
