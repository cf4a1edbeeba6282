/** `npm run user -- set-password | remove-password`. */
import { EventActor, EventType } from '../core/audit/event.ts'
import type { Database } from '../database/database.ts'
import { initialPasswordNotice } from '../features/passwords/initial-password.ts'
import { hasProvider, noPassword, replacePassword } from '../core/users/replace-password.ts'
import type { PasswordColumns, ReplacedPassword } from '../core/users/replace-password.ts'
import type { User } from '../core/users/user.entity.ts'
import { operatorTrail } from './operator-trail.ts'
import { CommandError } from './run.ts'

/** @param generated the password, if it is to be printed */
export async function setPassword(
  database: Database,
  { id }: User,
  password: PasswordColumns,
  generated: string | undefined,
): Promise<string> {
  const { sessionsEnded, user } = await replace(database, id, password, undefined)
  return [
    `Set the password of ${id}. ${ended(sessionsEnded)}`,
    ...(user.disabledAt == null ? [] : ['The account is disabled, and stays so.']),
    ...(generated === undefined ? [] : [`Password: ${generated}`]),
    initialPasswordNotice,
  ].join('\n')
}

/** @param providers the ids of the providers that the server has */
export async function removePassword(
  database: Database,
  { id, passwordHash }: User,
  { force, providers }: { readonly force: boolean; readonly providers: readonly string[] },
): Promise<string> {
  if (passwordHash == null) return `${id} has no password.`
  const { sessionsEnded } = await replace(database, id, noPassword, async (user, tx) => {
    if (force || (await hasProvider(tx, user.id, providers))) return
    throw new CommandError(
      `Nothing was changed: the password is the only way to sign in to ${id}. To remove it all the same: --force.`,
    )
  })
  return `Removed the password of ${id}. ${ended(sessionsEnded)}`
}

type Check = (user: User, tx: Parameters<typeof replacePassword>[0]) => Promise<void>

async function replace(
  database: Database,
  userId: string,
  password: PasswordColumns,
  check: Check | undefined,
): Promise<ReplacedPassword> {
  return operatorTrail().transactional(database.em.fork(), async (tx, record) => {
    const replaced = await replacePassword(
      tx,
      userId,
      password,
      check && ((user) => check(user, tx)),
    )
    if (!replaced) throw new CommandError('There is no such account.')
    const { hadPassword, sessionsEnded } = replaced
    const set = hadPassword ? EventType.PASSWORD_CHANGED : EventType.PASSWORD_SET
    const type = password.passwordHash == null ? EventType.PASSWORD_REMOVED : set
    await record({ type, userId, actor: EventActor.OPERATOR, sessionsEnded })
    return replaced
  })
}

function ended(sessions: number): string {
  return `Ended ${sessions} session${sessions === 1 ? '' : 's'}.`
}
