/** A session as its row has it, for statements that go past the ORM. */
import { sql } from 'kysely'

export interface SessionRecord {
  readonly id: string
  readonly userId: string
  readonly generation: number
  readonly method: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly rotatedAt: number | null
  /** When the user last proved who they are. */
  readonly authenticatedAt: number
  /** How: values of RFC 8176. */
  readonly amr: readonly string[]
}

/**
 * When the user last proved who they are. An older version that serves on during a rolling update
 * leaves 0: with it, no one proves anything after the sign-in.
 */
export const authenticatedAtSql =
  'coalesce(nullif(sessions.authenticated_at, 0), sessions.created_at)'

/** PostgreSQL gives a bigint as a string, SQLite JSON as text. */
export interface SessionRow {
  id: string
  user_id: string
  generation: number
  method: string
  created_at: number | string
  expires_at: number | string
  rotated_at: number | string | null
  authenticated_at: number | string
  amr: string | string[]
  authenticated_by: string | null
}

export const sessionColumns = sql`sessions.id, sessions.user_id, sessions.generation, sessions.method,
  sessions.created_at, sessions.expires_at, sessions.rotated_at, sessions.amr,
  sessions.authenticated_by,
  ${sql.raw(authenticatedAtSql)} as authenticated_at`

export function fromSessionRow(row: SessionRow): SessionRecord {
  return {
    id: row.id,
    userId: row.user_id,
    generation: row.generation,
    method: row.method,
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    rotatedAt: row.rotated_at === null ? null : Number(row.rotated_at),
    authenticatedAt: Number(row.authenticated_at),
    amr: amrOf(row),
  }
}

/**
 * An older version that serves on during a rolling update writes `authenticated_by` alone, so that `amr` may
 * be missing or of an earlier proof: then it says nothing of the password, or too much.
 */
function amrOf({ amr, authenticated_by, method }: SessionRow): string[] {
  const stored = typeof amr === 'string' ? (JSON.parse(amr) as string[]) : amr
  const isByPassword = (authenticated_by ?? method) === 'password'
  if (stored.includes('pwd') === isByPassword) return stored
  return isByPassword ? ['pwd'] : []
}
