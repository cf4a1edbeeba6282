/** `npm run user -- list`. */
import { parseUserId } from '../core/users/user-id.ts'
import { limitOf } from './limit.ts'
import { CommandError } from './run.ts'
import type { Database } from '../database/database.ts'
import type { Role } from '../core/users/role.ts'
import { listUsers, type UserSummary } from '../core/users/user-list.ts'

export interface ListOptions {
  readonly search?: string | undefined
  readonly role?: Role | undefined
  readonly disabled?: boolean | undefined
  readonly after?: string | undefined
  readonly limit?: string | undefined
  readonly json?: boolean | undefined
}

export async function list(database: Database, options: ListOptions): Promise<string> {
  const after = options.after === undefined ? undefined : parseUserId(options.after)
  if (options.after !== undefined && after === undefined) {
    throw new CommandError('--after must be the id of an account.')
  }
  const { users, hasMore } = await listUsers(database, {
    search: options.search,
    role: options.role,
    isDisabled: options.disabled,
    after,
    limit: limitOf(options.limit),
  })
  // Past standard output, which a program may read.
  if (hasMore) console.error(`There are more: add --after ${users.at(-1)!.id}`)
  if (options.json === true) return users.map((user) => JSON.stringify(toJson(user))).join('\n')
  return users.length === 0 ? 'There are no such accounts.' : users.map(toLine).join('\n')
}

function toJson(user: UserSummary) {
  return {
    ...user,
    createdAt: time(user.createdAt),
    lastSignedInAt: time(user.lastSignedInAt),
    disabledAt: time(user.disabledAt),
  }
}

function toLine(user: UserSummary): string {
  const lastSignIn = time(user.lastSignedInAt)
  const details = [
    user.roles.join(','),
    user.name ?? '',
    user.hasPassword ? '' : 'no password',
    lastSignIn === null ? 'never signed in' : `signed in ${lastSignIn}`,
    user.disabledAt === null ? '' : 'disabled',
  ].filter((text) => text !== '')
  // A name may have letters that move the cursor of a terminal.
  return [user.id, user.email ?? '(no e-mail)', ...details]
    .join('  ')
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, '�')
}

function time(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString()
}
