/** Changes that operators make to a user: each one and its audit record are one transaction. */
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/sqlite'
import { forgetOrigins, type AuditTrail, type RecordEvent } from '../audit/audit-trail.ts'
import { EventKind, type EventActor } from '../audit/event.ts'
import type { Database } from '../../database/database.ts'
import { Identity } from './identity.entity.ts'
import { deleteSessions, lockUser, readLockedUser } from './lock-user.ts'
import { createUser, emailTaken, type NewUser } from './new-user.ts'
import { noPassword, type PasswordColumns } from './password-columns.ts'
import { Role } from './role.ts'
import { User } from './user.entity.ts'

export interface UserServiceOptions {
  readonly database: Pick<Database, 'em'>
  readonly audit: AuditTrail
  readonly clock: () => number
  /** Who makes the changes. */
  readonly actor: EventActor
}

export type PasswordRemoval =
  | { readonly outcome: 'removed'; readonly sessionsEnded: number }
  /** Nothing was changed. */
  | { readonly outcome: 'no-password' | 'only-way-to-sign-in' }

/** If the user is gone, a method changes nothing, and returns undefined if it has anything to return. */
export class UserService {
  readonly #options: UserServiceOptions

  constructor(options: UserServiceOptions) {
    this.#options = options
  }

  /**
   * @returns the id of the new user
   * @throws AppError EMAIL_TAKEN
   */
  async create(newUser: NewUser): Promise<string> {
    try {
      return await this.#change(async (tx, record) => {
        const { id, roles } = await createUser(tx, newUser, this.#options.clock())
        await record(EventKind.ACCOUNT_CREATED, id)
        for (const role of roles) {
          if (role !== Role.USER) await record(EventKind.ROLE_GRANTED, id, { role })
        }
        return id
      })
    } catch (error) {
      throw error instanceof UniqueConstraintViolationException ? emailTaken() : error
    }
  }

  /** From the next request on, the user's tokens are refused. */
  async disable(id: string): Promise<void> {
    const disabledAt = this.#options.clock()
    await this.#change(async (tx, record) => {
      const disabled = await tx.nativeUpdate(User, { id, disabledAt: null }, { disabledAt })
      if (disabled > 0) await record(EventKind.ACCOUNT_DISABLED, id)
    })
  }

  /** Revokes the sessions too: one that was disabled with the account must not come back. */
  async enable(id: string): Promise<void> {
    await this.#change(async (tx, record) => {
      await lockUser(tx, id)
      const disabled = { id, disabledAt: { $ne: null } }
      const enabled = await tx.nativeUpdate(User, disabled, { disabledAt: null })
      const sessionsEnded = await deleteSessions(tx, id)
      if (enabled > 0) await record(EventKind.ACCOUNT_ENABLED, id, { sessionsEnded })
      else if (sessionsEnded > 0) await record(EventKind.SESSION_ENDED, id, { sessionsEnded })
    })
  }

  /** With all that belongs to the user, but for the audit trail, which forgets the client IPs. */
  async delete(id: string): Promise<void> {
    await this.#change(async (tx, record) => {
      if ((await tx.nativeDelete(User, { id })) === 0) return
      await forgetOrigins(tx, id)
      await record(EventKind.ACCOUNT_DELETED, id)
    })
  }

  /** @returns the roles that the user has now */
  grant(id: string, role: Role): Promise<readonly Role[] | undefined> {
    return this.#changeRoles(id, EventKind.ROLE_GRANTED, role, (roles) => [
      ...new Set([...roles, role]),
    ])
  }

  /** @returns the roles that the user has now */
  revoke(id: string, role: Exclude<Role, Role.USER>): Promise<readonly Role[] | undefined> {
    return this.#changeRoles(id, EventKind.ROLE_REVOKED, role, (roles) =>
      roles.filter((held) => held !== role),
    )
  }

  /** Replaces the password, if there is one, and revokes every session. */
  setPassword(
    id: string,
    password: PasswordColumns & { readonly passwordHash: string },
  ): Promise<{ readonly sessionsEnded: number; readonly isDisabled: boolean } | undefined> {
    return this.#change(async (tx, record) => {
      const user = await readLockedUser(tx, id)
      if (!user) return undefined
      const type = user.passwordHash == null ? EventKind.PASSWORD_SET : EventKind.PASSWORD_CHANGED
      const sessionsEnded = await replacePassword(tx, user, password)
      await record(type, id, { sessionsEnded })
      return { sessionsEnded, isDisabled: user.disabledAt != null }
    })
  }

  /**
   * Removes the password and revokes every session.
   * @param options.providers the ids of the providers that the server has
   * @param options.force also if it is the only way to sign in
   */
  removePassword(
    id: string,
    { force, providers }: { readonly force: boolean; readonly providers: readonly string[] },
  ): Promise<PasswordRemoval | undefined> {
    return this.#change(async (tx, record) => {
      const user = await readLockedUser(tx, id)
      if (!user) return undefined
      if (user.passwordHash == null) return { outcome: 'no-password' }
      const usable = { user: id, provider: { $in: [...providers] } }
      if (!force && (await tx.count(Identity, usable)) === 0) {
        return { outcome: 'only-way-to-sign-in' }
      }
      const sessionsEnded = await replacePassword(tx, user, noPassword)
      await record(EventKind.PASSWORD_REMOVED, id, { sessionsEnded })
      return { outcome: 'removed', sessionsEnded }
    })
  }

  /** @returns how many sessions there were */
  revokeSessions(id: string): Promise<number> {
    return this.#change(async (tx, record) => {
      await lockUser(tx, id)
      const sessionsEnded = await deleteSessions(tx, id)
      if (sessionsEnded > 0) await record(EventKind.SESSION_ENDED, id, { sessionsEnded })
      return sessionsEnded
    })
  }

  #changeRoles(
    id: string,
    type: EventKind,
    role: Role,
    change: (roles: readonly Role[]) => Role[],
  ): Promise<readonly Role[] | undefined> {
    return this.#change(async (tx, record) => {
      // Locked, so that two changes at once are both kept.
      const user = await readLockedUser(tx, id)
      if (!user) return undefined
      const before = user.roles.length
      user.roles = change(user.roles)
      if (user.roles.length !== before) await record(type, id, { role })
      return user.roles
    })
  }

  #change<T>(work: (tx: SqlEntityManager, record: RecordChange) => Promise<T>): Promise<T> {
    const { actor, audit, database } = this.#options
    return audit.transactional(database.em.fork(), (tx, record) =>
      work(tx, (type, userId, details) => record({ type, userId, actor, ...details })),
    )
  }
}

type RecordChange = (
  type: EventKind,
  userId: string,
  details?: { readonly role?: Role; readonly sessionsEnded?: number },
) => ReturnType<RecordEvent>

/**
 * Revokes every session, and refuses each sign-in and each change of the password that is under way.
 * @param user whose row is locked
 * @returns how many sessions there were
 */
async function replacePassword(
  tx: SqlEntityManager,
  user: User,
  password: PasswordColumns,
): Promise<number> {
  Object.assign(user, password)
  user.credentialVersion += 1
  await tx.flush()
  return deleteSessions(tx, user.id)
}
