/** `npm run events`: lists the audit trail, newest first. */
import { loadConfig } from '../config/config.ts'
import { parseDurationSeconds } from '../config/formats.ts'
import { EventActor, EventKind, outcomeOf } from '../core/audit/event.ts'
import { listEvents, type ListedEvent } from '../core/audit/event-list.ts'
import { findUser } from '../core/users/find-user.ts'
import { parseUserId } from '../core/users/user-id.ts'
import type { Database } from '../database/database.ts'
import { parseCommandLine } from './arguments.ts'
import { limitOf } from './limit.ts'
import { CommandError, run } from './run.ts'
import { usage } from './usage.ts'
import { withDatabaseAsItIs } from './with-database.ts'

type Options = ReturnType<typeof readArguments>

await run(async () => {
  const options = readArguments()
  const limit = limitOf(options.limit)
  return withDatabaseAsItIs(loadConfig(process.env), async (database) => {
    const userId = await userIdOf(database, options)
    const types = typesOf(options)
    const events = await listEvents(database, { userId, types, since: timeOf(options), limit })
    if (options.json === true)
      return events.map((event) => JSON.stringify(toJson(event))).join('\n')
    return events.length === 0 ? 'There are no such events.' : events.map(toLine).join('\n')
  })
}, usage.events)

function readArguments() {
  const config = {
    options: {
      email: { type: 'string' },
      id: { type: 'string' },
      event: { type: 'string', multiple: true },
      since: { type: 'string' },
      limit: { type: 'string' },
      json: { type: 'boolean' },
    },
  } as const
  return parseCommandLine(usage.events, config, 0).values
}

async function userIdOf(database: Database, { email, id }: Options): Promise<string | undefined> {
  if (email !== undefined && id !== undefined) {
    throw new CommandError('Name the account by --email or by --id.')
  }
  if (email !== undefined) {
    const user = await findUser(database, { email })
    if (!user) throw new CommandError('There is no such account. Use --id for a deleted one.')
    return user.id
  }
  // Of an account that may be deleted: it is not looked for.
  const userId = id === undefined ? undefined : parseUserId(id)
  if (id !== undefined && userId === undefined) {
    throw new CommandError('--id must be an id of an account.')
  }
  return userId
}

function typesOf({ event }: Options): EventKind[] | undefined {
  if (event === undefined || event.every(isEventType)) return event
  throw new CommandError(`--event must be one of ${Object.values(EventKind).join(', ')}.`)
}

function isEventType(name: string): name is EventKind {
  return Object.values<string>(EventKind).includes(name)
}

function timeOf({ since }: Options): number | undefined {
  if (since === undefined) return undefined
  const seconds = parseDurationSeconds(since)
  const milliseconds = seconds === undefined ? Date.parse(since) : Date.now() - seconds * 1000
  if (!(milliseconds < 2 ** 47)) {
    throw new CommandError('--since must be a duration such as 12h or a time such as 2026-01-31.')
  }
  return milliseconds
}

function toJson({ occurredAt, type, reason, userId, email, ...details }: ListedEvent) {
  const outcome = outcomeOf(type)
  return { occurredAt: time(occurredAt), type, outcome, reason, userId, email, ...details }
}

function toLine(event: ListedEvent): string {
  const { actor, email, operator, sessionsEnded, userId } = event
  const details = [
    event.reason,
    event.method,
    event.role,
    sessionsEnded !== null && sessionsEnded > 0 && `sessions ended: ${sessionsEnded}`,
    operator === null ? actor === EventActor.OPERATOR && 'operator' : `operator: ${operator}`,
    event.ip,
    event.userAgent,
  ].filter((text) => typeof text === 'string' && text !== '')
  const account = email ?? userId ?? '-'
  // A browser may call itself anything, what moves the cursor of a terminal included.
  return [time(event.occurredAt), event.type.padEnd(22), account, ...details]
    .join('  ')
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, '�')
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
