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
}

/** PostgreSQL gives a bigint as a string. */
export interface SessionRow {
  id: string
  user_id: string
  generation: number
  method: string
  created_at: number | string
  expires_at: number | string
  rotated_at: number | string | null
}

export const sessionColumns = sql`sessions.id, sessions.user_id, sessions.generation, sessions.method,
  sessions.created_at, sessions.expires_at, sessions.rotated_at`

export function fromSessionRow(row: SessionRow): SessionRecord {
  return {
    id: row.id,
    userId: row.user_id,
    generation: row.generation,
    method: row.method,
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    rotatedAt: row.rotated_at === null ? null : Number(row.rotated_at),
  }
}
