/** `npm run events`: lists the audit trail, newest first. */
import { parseArgs } from 'node:util'
import { sql, type RawBuilder } from 'kysely'
import { lowestEventId } from '../core/audit/event-id.ts'
import { EventType, outcomeOf } from '../core/audit/event.ts'
import { loadConfig } from '../config/config.ts'
import { parseDurationSeconds } from '../config/formats.ts'
import type { Database } from '../database/database.ts'
import { normalizeEmail } from '../core/users/email.ts'
import { parseUserId } from '../core/users/user-id.ts'
import { limitOf } from './limit.ts'
import { CommandError, run } from './run.ts'
import { withDatabaseAsItIs } from './with-database.ts'

const usage = `Usage: npm run events -- [options]

  --email E    of the account with this address
  --id I       of the account with this id, also where it has been deleted
  --event T    of this type, such as SIGN_IN_FAILED; may be given several times
  --since S    from the last 90s, 15m, 12h or 30d, or since a time such as 2026-01-31T12:00Z
  --limit N    no more than so many, from 1 to 10000; 100 where it is left out
  --json       one JSON object a line`

interface Row {
  type: EventType
  occurred_at: number | string
  user_id: string | null
  email: string | null
  actor: string
  operator: string | null
  reason: string | null
  method: string | null
  role: string | null
  session_id: string | null
  sessions_ended: number | null
  ip: string | null
  user_agent: string | null
  request_id: string | null
}

await run(async () => {
  const options = readArguments()
  const limit = limitOf(options.limit)
  return withDatabaseAsItIs(loadConfig(process.env), async (database) => {
    const rows = await find(database, await conditionsOf(database, options), limit)
    if (options.json === true) return rows.map((row) => JSON.stringify(toJson(row))).join('\n')
    return rows.length === 0 ? 'There are no such events.' : rows.map(toLine).join('\n')
  })
})

function readArguments() {
  try {
    return parseArgs({
      options: {
        email: { type: 'string' },
        id: { type: 'string' },
        event: { type: 'string', multiple: true },
        since: { type: 'string' },
        limit: { type: 'string' },
        json: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    throw new CommandError(`${(error as Error).message}\n\n${usage}`)
  }
}

async function conditionsOf(
  database: Database,
  { email, event, id, since }: ReturnType<typeof readArguments>,
): Promise<RawBuilder<unknown>[]> {
  const conditions: RawBuilder<unknown>[] = []
  if (email !== undefined && id !== undefined) {
    throw new CommandError('Name the account by --email or by --id.')
  }
  if (email !== undefined) {
    const { rows } = await sql<{ id: string }>`select id from users
      where email = ${normalizeEmail(email) ?? ''}`.execute(database.kysely)
    if (!rows[0]) throw new CommandError('There is no such account. A deleted one has its --id.')
    conditions.push(sql`e.user_id = ${rows[0].id}`)
  }
  if (id !== undefined) {
    const userId = parseUserId(id)
    if (userId === undefined) throw new CommandError('--id must be an id of an account.')
    conditions.push(sql`e.user_id = ${userId}`)
  }
  if (event !== undefined) {
    const types = Object.values(EventType)
    const unknown = event.some((name) => !types.includes(name as EventType))
    if (unknown) throw new CommandError(`--event must be one of ${types.join(', ')}.`)
    conditions.push(sql`e.type in (${sql.join(event)})`)
  }
  if (since !== undefined) conditions.push(sql`e.id >= ${lowestEventId(timeOf(since))}`)
  return conditions
}

async function find(
  database: Database,
  conditions: RawBuilder<unknown>[],
  limit: number,
): Promise<Row[]> {
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`
  const { rows } = await sql<Row>`select e.type, e.occurred_at, e.user_id, users.email, e.actor,
      e.operator, e.reason, e.method, e.role, e.session_id, e.sessions_ended, e.ip, e.user_agent,
      e.request_id
    from audit_events e left join users on users.id = e.user_id
    ${where} order by e.id desc limit ${limit}`.execute(database.kysely)
  return rows
}

function toJson(row: Row) {
  return {
    occurredAt: time(row),
    type: row.type,
    outcome: outcomeOf(row.type),
    reason: row.reason,
    userId: row.user_id,
    email: row.email,
    actor: row.actor,
    operator: row.operator,
    method: row.method,
    role: row.role,
    sessionId: row.session_id,
    sessionsEnded: row.sessions_ended,
    ip: row.ip,
    userAgent: row.user_agent,
    requestId: row.request_id,
  }
}

function toLine(row: Row): string {
  const details = [
    row.reason,
    row.method,
    row.role,
    row.sessions_ended !== null &&
      row.sessions_ended > 0 &&
      `sessions ended: ${row.sessions_ended}`,
    row.operator === null ? row.actor === 'OPERATOR' && 'operator' : `operator: ${row.operator}`,
    row.ip,
    row.user_agent,
  ].filter((text) => typeof text === 'string' && text !== '')
  const account = row.email ?? row.user_id ?? '-'
  // A browser may call itself anything, what moves the cursor of a terminal included.
  return [time(row), row.type.padEnd(22), account, ...details]
    .join('  ')
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, '�')
}

function time(row: Row): string {
  return new Date(Number(row.occurred_at)).toISOString()
}

function timeOf(since: string): number {
  const seconds = parseDurationSeconds(since)
  const milliseconds = seconds === undefined ? Date.parse(since) : Date.now() - seconds * 1000
  if (!(milliseconds < 2 ** 47)) {
    throw new CommandError('--since must be a duration such as 12h or a time such as 2026-01-31.')
  }
  return milliseconds
}
