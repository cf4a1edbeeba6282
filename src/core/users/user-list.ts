/** Accounts, page by page, for operators. */
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Role } from './role.ts'

export interface UserFilter {
  /** Part of the e-mail address or of the name. */
  readonly search?: string | undefined
  readonly role?: Role | undefined
  readonly isDisabled?: boolean | undefined
  /** The id of the last account of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** A user, as operators see them; times in milliseconds since the epoch. */
export interface UserSummary {
  readonly id: string
  readonly email: string | null
  readonly emailVerified: boolean
  readonly name: string | null
  readonly roles: Role[]
  readonly hasPassword: boolean
  readonly createdAt: number
  readonly lastSignedInAt: number | null
  readonly disabledAt: number | null
}

/** What this needs of a database. */
interface Searchable {
  readonly engine: 'sqlite' | 'postgresql'
  readonly kysely: Kysely<unknown>
}

interface Row {
  id: string
  email: string | null
  email_verified: boolean | number
  name: string | null
  roles: string | Role[]
  has_password: boolean | number
  created_at: number | string
  last_signed_in_at: number | string | null
  disabled_at: number | string | null
}

/** @returns one page, the newest accounts first, and whether there are more */
export async function listUsers(
  { engine, kysely }: Searchable,
  filter: UserFilter,
): Promise<{ users: UserSummary[]; hasMore: boolean }> {
  const conditions = conditionsOf(engine, filter)
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`
  const { rows } = await sql<Row>`select id, email, email_verified, name, roles,
      (password_hash is not null) as has_password, created_at, last_signed_in_at, disabled_at
    from users ${where} order by created_at desc, id limit ${filter.limit + 1}`.execute(kysely)
  return { users: rows.slice(0, filter.limit).map(fromRow), hasMore: rows.length > filter.limit }
}

function conditionsOf(
  engine: Searchable['engine'],
  { after, isDisabled, role, search }: UserFilter,
): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = []
  if (search !== undefined) {
    const contains = containing(engine, search)
    conditions.push(sql`(${contains('email')} or ${contains('name')})`)
  }
  if (role !== undefined) conditions.push(sql`cast(roles as text) like ${`%"${role}"%`}`)
  if (isDisabled === true) conditions.push(sql`disabled_at is not null`)
  if (after !== undefined) {
    conditions.push(sql`exists (select 1 from users last where last.id = ${after}
      and (users.created_at < last.created_at
        or (users.created_at = last.created_at and users.id > last.id)))`)
  }
  return conditions
}

/**
 * Finds a text in either case. Both engines are given the cases of each letter: `lower` of SQLite knows ASCII
 * only, and that of PostgreSQL what the collation of the database knows.
 */
function containing(engine: Searchable['engine'], search: string) {
  const letters = Array.from(search.normalize('NFC'), (letter) => {
    const cases = [letter, letter.toLowerCase(), letter.toUpperCase()]
    // One letter may become two, as ß does.
    return [...new Set(cases)].filter((text) => Array.from(text).length === 1)
  })
  const pattern = (special: RegExp, escaped: string) =>
    letters
      .map(([letter = '', ...others]) =>
        others.length > 0 ? `[${[letter, ...others].join('')}]` : letter.replace(special, escaped),
      )
      .join('')
  return (column: 'email' | 'name') =>
    engine === 'sqlite'
      ? sql`${sql.ref(column)} glob ${`*${pattern(/[*?[]/, '[$&]')}*`}`
      : sql`${sql.ref(column)} ~ ${pattern(/[^\p{L}\p{M}\p{N}\s]/u, '\\$&')}`
}

function fromRow(row: Row): UserSummary {
  const time = (value: number | string | null) => (value === null ? null : Number(value))
  return {
    id: row.id,
    email: row.email,
    emailVerified: Boolean(row.email_verified),
    name: row.name,
    roles: typeof row.roles === 'string' ? (JSON.parse(row.roles) as Role[]) : row.roles,
    hasPassword: Boolean(row.has_password),
    createdAt: Number(row.created_at),
    lastSignedInAt: time(row.last_signed_in_at),
    disabledAt: time(row.disabled_at),
  }
}
