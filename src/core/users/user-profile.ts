/** An account, as its owner sees it. */
import type { Role } from './role.ts'

export interface UserProfile {
  readonly id: string
  /** In normal form; null if no provider gave one. */
  readonly email: string | null
  readonly emailVerified: boolean
  readonly name: string | null
  readonly roles: Role[]
  readonly hasPassword: boolean
  /** When a password that an operator set stops working. */
  readonly passwordExpiresAt: Date | null
  readonly createdAt: Date
}
