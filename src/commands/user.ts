/** `npm run user -- create | show | …`: accounts, by the operator. Changes take effect at the next request. */
import { loadConfig, type Config } from '../config/config.ts'
import { AppError, ErrorCode } from '../core/errors.ts'
import { normalizeEmail } from '../core/users/email.ts'
import { findUser, readUserDetails, type UserDetails } from '../core/users/find-user.ts'
import { checkName } from '../core/users/name.ts'
import { Role } from '../core/users/role.ts'
import type { UserSummary } from '../core/users/user-list.ts'
import type { UserService } from '../core/users/user.service.ts'
import type { Database } from '../database/database.ts'
import { operatorUsers } from './operator-users.ts'
import { withoutCommand } from './arguments.ts'
import { CommandError, run } from './run.ts'
import { usage } from './usage.ts'
import { readArguments, type Options } from './user-arguments.ts'
import { list } from './user-list.ts'
import { hashPassword, readPassword, refuse } from './user-password.ts'
import { withDatabase, withDatabaseAsItIs, withNewOrExistingDatabase } from './with-database.ts'

interface Command {
  readonly options: Options
  readonly config: Config
  readonly database: Database
  readonly users: UserService
}

// Before it is used: a module runs from top to bottom, and waits at `await`.
const commands: Record<string, ((command: Command) => Promise<string>) | undefined> = {
  create,
  show,
  list: ({ database, options }) =>
    list(database, { ...options, role: options.role === undefined ? undefined : roleOf(options) }),
  'set-password': setPassword,
  'remove-password': removePassword,
  disable: async (command) => {
    const { id } = await find(command)
    await command.users.disable(id)
    return `Disabled ${id}. Its tokens are refused from the next request on.`
  },
  enable: async (command) => {
    const { id } = await find(command)
    await command.users.enable(id)
    return `Enabled ${id}. The user has to sign in again.`
  },
  delete: async (command) => {
    const { id } = await find(command)
    await command.users.delete(id)
    return `Deleted ${id}.`
  },
  grant: async (command) => {
    const role = roleOf(command.options)
    const { id } = await find(command)
    return describeRoles(id, await command.users.grant(id, role))
  },
  revoke: async (command) => {
    const role = roleOf(command.options)
    if (role === Role.USER) {
      throw new CommandError('USER cannot be revoked. To block the account: disable.')
    }
    const { id } = await find(command)
    return describeRoles(id, await command.users.revoke(id, role))
  },
  'end-sessions': async (command) => {
    const { id } = await find(command)
    const ended = await command.users.revokeSessions(id)
    return `Ended ${sessions(ended)} of ${id}.`
  },
}

await run(async () => {
  const { command, options } = readArguments()
  const work = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (!work) throw new CommandError(withoutCommand(command, usage.user))
  const config = loadConfig(process.env)
  return openerFor(command)(config, (database) =>
    work({ options, config, database, users: operatorUsers(database) }),
  )
}, usage.user)

function openerFor(command: string): typeof withDatabase {
  if (command === 'create') return withNewOrExistingDatabase
  return command === 'show' || command === 'list' ? withDatabaseAsItIs : withDatabase
}

async function create({ config, options, users }: Command): Promise<string> {
  const email = normalizeEmail(options.email ?? '')
  if (email === undefined) throw new CommandError('--email must be an e-mail address.')
  const { notice, password } = await readPassword(options)
  const id = await users
    .create({
      email,
      // The operator vouches for the address.
      emailVerified: true,
      name: nameOf(options),
      roles: options.role === undefined ? [] : [roleOf(options)],
      password: await hashPassword(password, email, config.bcryptCost),
    })
    .catch((error: unknown) => {
      const isTaken = error instanceof AppError && error.code === ErrorCode.EMAIL_TAKEN
      throw isTaken ? new CommandError(`There is an account with the address ${email}.`) : error
    })
  return [`Created ${email}, ${id}.`, ...notice].join('\n')
}

async function setPassword(command: Command): Promise<string> {
  const { config, options, users } = command
  const { email, id } = await find(command)
  if (email === null) throw new CommandError('This account has no e-mail address to sign in with.')
  const { notice, password } = await readPassword(options)
  const hashed = await hashPassword(password, email, config.bcryptCost)
  const { isDisabled, sessionsEnded } = existing(await users.setPassword(id, hashed))
  return [
    `Set the password of ${id}. Ended ${sessions(sessionsEnded)}.`,
    ...(isDisabled ? ['The account is disabled, and stays so.'] : []),
    ...notice,
  ].join('\n')
}

async function removePassword(command: Command): Promise<string> {
  const { config, options, users } = command
  const { id } = await find(command)
  const providers = config.providers.map((provider) => provider.id)
  const force = options.force === true
  const removal = existing(await users.removePassword(id, { force, providers }))
  switch (removal.outcome) {
    case 'removed':
      return `Removed the password of ${id}. Ended ${sessions(removal.sessionsEnded)}.`
    case 'no-password':
      return `${id} has no password.`
    case 'only-way-to-sign-in':
      throw new CommandError(
        `Nothing was changed: the password is the only way to sign in to ${id}. To remove it all the same: --force.`,
      )
  }
}

async function show(command: Command): Promise<string> {
  const { id } = await find(command)
  const user = existing(await readUserDetails(command.database, id, Date.now()))
  return [
    `id              ${user.id}`,
    `email           ${user.email ?? '(none)'}${user.emailVerified ? ' (verified)' : ''}`,
    `name            ${user.name ?? '(none)'}`,
    `roles           ${user.roles.join(', ')}`,
    `password        ${describePassword(user)}`,
    `identities      ${user.providers.join(', ') || '(none)'}`,
    `sessions        ${user.sessions}`,
    `created         ${time(user.createdAt)}`,
    `last signed in  ${time(user.lastSignedInAt)}`,
    `disabled        ${user.disabledAt === null ? 'no' : `since ${time(user.disabledAt)}`}`,
  ].join('\n')
}

async function find({ database, options: { email, id } }: Command): Promise<UserSummary> {
  if (email !== undefined && id === undefined) return existing(await findUser(database, { email }))
  if (id !== undefined && email === undefined) return existing(await findUser(database, { id }))
  throw new CommandError('Name the account by --email or by --id.')
}

/** The account may be deleted while the command runs. */
function existing<T>(found: T | undefined): T {
  if (found === undefined) throw new CommandError('There is no such account.')
  return found
}

function nameOf({ name }: Options): string | null {
  try {
    return checkName(name) ?? null
  } catch (error) {
    return refuse(error)
  }
}

function roleOf({ role }: Options): Role {
  const known = Object.values(Role).find((name) => name === role)
  if (!known) throw new CommandError(`--role must be one of ${Object.values(Role).join(', ')}.`)
  return known
}

function describeRoles(id: string, roles: readonly Role[] | undefined): string {
  return `${id} has the roles ${existing(roles).join(', ')}.`
}

function describePassword({ hasPassword, passwordExpiresAt }: UserDetails): string {
  if (!hasPassword) return 'no'
  return passwordExpiresAt === null ? 'yes' : `set by an operator, until ${time(passwordExpiresAt)}`
}

function sessions(count: number): string {
  return `${count} session${count === 1 ? '' : 's'}`
}

function time(milliseconds: number | null): string {
  return milliseconds === null ? 'never' : new Date(milliseconds).toISOString()
}
