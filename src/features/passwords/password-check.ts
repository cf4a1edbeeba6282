/** Compares a password with the one that is stored, with the same work whatever is wrong. */
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { EventReason } from '../../core/audit/event.ts'
import { isPasswordUsable, storedPasswordOf } from '../../core/users/usable-password.ts'
import { User } from '../../core/users/user.entity.ts'
import type { PasswordHasher } from './password-hasher.ts'
import { isHashable, maximumBytes, normalizePassword } from './password-policy.ts'

export interface PasswordCheckOptions {
  readonly em: SqlEntityManager
  readonly hasher: PasswordHasher
  readonly clock: () => number
  /** The client's: networks take turns at hashing. */
  readonly network: string
  /** A stored hash that bcrypt would not understand, for the log. */
  readonly onCorruptHash: (userId: string) => void
}

export class PasswordCheck {
  readonly #options: PasswordCheckOptions

  constructor(options: PasswordCheckOptions) {
    this.#options = options
  }

  /** Whether the user has a password that has not expired. */
  isUsable(user: User): boolean {
    return isPasswordUsable(storedPasswordOf(user), this.#options.clock())
  }

  /** Why a password was refused. */
  reasonOf(user: User): EventReason {
    if (user.passwordHash == null) return EventReason.NO_PASSWORD
    return this.isUsable(user) ? EventReason.WRONG_PASSWORD : EventReason.PASSWORD_EXPIRED
  }

  /** @returns whether the password is right, and a new hash if it was hashed at a lower cost */
  async verify(
    password: string,
    user: User | null,
  ): Promise<{ isCorrect: boolean; renewedHash?: string | undefined }> {
    const { hasher, network } = this.#options
    const comparable = this.#comparable(password, user)
    const hash = user?.passwordHash
    if (comparable === undefined) {
      await hasher.refuse(hash, network)
      return { isCorrect: false }
    }
    const isUsable = user !== null && this.isUsable(user)
    if (!isUsable || hash == null || !hasher.needsRehash(hash)) {
      // The same work for a password that has expired.
      const isRight = await hasher.verify(comparable, hash, network)
      return { isCorrect: isRight && isUsable }
    }
    const renewedHash = await hasher.replace(comparable, hash, comparable, network)
    return { isCorrect: renewedHash !== undefined, renewedHash }
  }

  /** @returns the hash of the new password; undefined if the current one is wrong, or has expired */
  async replace(password: string, user: User, newPassword: string): Promise<string | undefined> {
    const { hasher, network } = this.#options
    const comparable = this.isUsable(user) ? this.#comparable(password, user) : undefined
    if (comparable !== undefined) {
      return hasher.replace(comparable, user.passwordHash, newPassword, network)
    }
    await hasher.refuse(user.passwordHash, network)
    return undefined
  }

  /** Stores the hash that `verify` has renewed, unless the password was changed meanwhile. */
  async keepRenewedHash(user: User, renewedHash: string | undefined): Promise<void> {
    if (renewedHash === undefined) return
    const verified = { id: user.id, passwordHash: user.passwordHash ?? null }
    await this.#options.em.nativeUpdate(User, verified, { passwordHash: renewedHash })
  }

  /** @returns the password in normal form; undefined for one that no account can have */
  #comparable(password: string, user: User | null): string | undefined {
    const { hasher, onCorruptHash } = this.#options
    if (user?.passwordHash != null && !hasher.isWellFormed(user.passwordHash)) {
      onCorruptHash(user.id)
    }
    // Before normalising, whose work grows with the length.
    if (password.length > 3 * maximumBytes) return undefined
    const normalized = normalizePassword(password)
    return isHashable(normalized) ? normalized : undefined
  }
}
