/** The account as its row has it, for reads that go past the ORM (docs/adr/0006). */
import type { Database } from '../../database/database.ts'
import type { PreparedRead } from '../../database/driver.ts'
import type { Role } from './role.ts'
import type { UserProfile } from './user-profile.ts'

/** PostgreSQL gives a bigint as a string, SQLite a boolean as a number and JSON as text. */
export interface UserRow {
  user_id: string
  email: string | null
  email_verified: boolean | number
  name: string | null
  roles: string | Role[]
  has_password: boolean | number
  password_expires_at: number | string | null
  created_at: number | string
  disabled_at: number | string | null
}

export const userColumns = `users.id as user_id, users.email, users.email_verified, users.name,
  users.roles, (users.password_hash is not null) as has_password,
  case when users.password_hash is not null then users.password_expires_at end as password_expires_at,
  users.created_at, users.disabled_at`

/** Reads one account by its id, as it is committed. */
export function prepareUserRead(database: Database): PreparedRead<UserRow> {
  return database.prepareRead<UserRow>(`select ${userColumns} from users where users.id = ?`)
}

export function fromUserRow(row: UserRow): UserProfile {
  return {
    id: row.user_id,
    email: row.email,
    emailVerified: Boolean(row.email_verified),
    name: row.name,
    roles: typeof row.roles === 'string' ? (JSON.parse(row.roles) as Role[]) : row.roles,
    hasPassword: Boolean(row.has_password),
    passwordExpiresAt:
      row.password_expires_at === null ? null : new Date(Number(row.password_expires_at)),
    createdAt: new Date(Number(row.created_at)),
  }
}
