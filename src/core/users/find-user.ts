/** One user, for operators. */
import { sql } from 'kysely'
import type { Database } from '../../database/database.ts'
import { normalizeEmail } from './email.ts'
import { Identity } from './identity.entity.ts'
import { parseUserId } from './user-id.ts'
import type { UserSummary } from './user-list.ts'
import { User } from './user.entity.ts'

export interface UserDetails extends UserSummary {
  /** When a password that an operator set stops working. */
  readonly passwordExpiresAt: number | null
  /** The providers of the linked identities. */
  readonly providers: readonly string[]
  /** How many sessions are alive. */
  readonly sessions: number
}

/** @param by as an operator types it: the e-mail need not be in normal form, nor the id be one */
export async function findUser(
  { em }: Pick<Database, 'em'>,
  by: { readonly email: string } | { readonly id: string },
): Promise<UserSummary | undefined> {
  const key = 'email' in by ? normalizeEmail(by.email) : parseUserId(by.id)
  if (key === undefined) return undefined
  const user = await em.fork().findOne(User, 'email' in by ? { email: key } : { id: key })
  return user ? summaryOf(user) : undefined
}

/** @param now milliseconds since the epoch */
export async function readUserDetails(
  database: Pick<Database, 'em'>,
  id: string,
  now: number,
): Promise<UserDetails | undefined> {
  const em = database.em.fork()
  const user = await em.findOne(User, { id })
  if (!user) return undefined
  const identities = await em.find(Identity, { user: id })
  const { rows } = await sql<{ count: number | string }>`select count(*) as count from sessions
    where user_id = ${id} and expires_at > ${now}`.execute(em.getKysely())
  return {
    ...summaryOf(user),
    passwordExpiresAt: user.passwordExpiresAt ?? null,
    providers: identities.map(({ provider }) => provider),
    sessions: Number(rows[0]?.count),
  }
}

function summaryOf(user: User): UserSummary {
  return {
    id: user.id,
    email: user.email ?? null,
    emailVerified: user.emailVerified,
    name: user.name ?? null,
    roles: user.roles,
    hasPassword: user.passwordHash != null,
    createdAt: user.createdAt,
    lastSignedInAt: user.lastSignedInAt ?? null,
    disabledAt: user.disabledAt ?? null,
  }
}
