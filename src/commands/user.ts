/** `npm run user -- create | show | …`: accounts, by the operator. The server obeys at the next request. */
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { forgetOrigins } from '../core/audit/audit-trail.ts'
import { EventActor, EventType } from '../core/audit/event.ts'
import { loadConfig, type Config } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { AppError } from '../core/errors.ts'
import { Role } from '../core/users/role.ts'
import { initialPasswordNotice } from '../features/passwords/initial-password.ts'
import { generatePassword, operatorPassword } from '../features/passwords/operator-password.ts'
import { Session } from '../core/sessions/session.entity.ts'
import { normalizeEmail } from '../core/users/email.ts'
import { Identity } from '../core/users/identity.entity.ts'
import { lockUser } from '../core/users/lock-user.ts'
import { checkName } from '../core/users/name.ts'
import { createUser } from '../core/users/new-user.ts'
import { User } from '../core/users/user.entity.ts'
import { parseAccountId } from './account-id.ts'
import { operatorTrail } from './operator-trail.ts'
import { CommandError, run } from './run.ts'
import { readArguments, usage, type Options } from './user-arguments.ts'
import { list } from './user-list.ts'
import { removePassword, setPassword } from './user-password.ts'
import { withDatabase, withDatabaseAsItIs } from './with-database.ts'

const actor = EventActor.OPERATOR

// Before it is used: a module runs from top to bottom, and waits at `await`.
const commands: Record<
  string,
  ((database: Database, options: Options, config: Config) => Promise<string>) | undefined
> = {
  create,
  show,
  list: (database, options) =>
    list(database, { ...options, role: options.role === undefined ? undefined : roleOf(options) }),
  'set-password': resetPassword,
  'remove-password': async (database, options, { providers }) =>
    removePassword(database, await findUser(database, options), {
      force: options.force === true,
      providers: providers.map(({ id }) => id),
    }),
  disable,
  enable,
  delete: remove,
  grant,
  revoke,
  'end-sessions': endSessions,
}

await run(async () => {
  const { command, options } = readArguments()
  const work = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (!work) throw new CommandError(usage)
  const config = loadConfig(process.env)
  const onlyLooks = command === 'show' || command === 'list'
  const open = onlyLooks ? withDatabaseAsItIs : withDatabase
  return open(config, (database) => work(database, options, config))
})

async function create(database: Database, options: Options, config: Config): Promise<string> {
  const email = normalizeEmail(options.email ?? '')
  if (email === undefined) throw new CommandError('--email must be an e-mail address.')
  const { password, generated } = await readPassword(options)
  const name = checked(() => checkName(options.name)) ?? null
  const roles = options.role === undefined ? [] : [roleOf(options)]
  const columns = await hashed(password, email, config)
  try {
    // The operator vouches for the address.
    const account = { email, emailVerified: true, name, roles, password: columns }
    const userId = await operatorTrail().transactional(database.em.fork(), async (tx, record) => {
      const user = await createUser(tx, account, Date.now())
      await record({ type: EventType.ACCOUNT_CREATED, userId: user.id, actor })
      for (const role of user.roles.filter((held) => held !== Role.USER)) {
        await record({ type: EventType.ROLE_GRANTED, userId: user.id, actor, role })
      }
      return user.id
    })
    return [
      `Made ${email}, ${userId}.`,
      ...(generated === undefined ? [] : [`Password: ${generated}`]),
      initialPasswordNotice,
    ].join('\n')
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    throw new CommandError(`There is an account with the address ${email}.`)
  }
}

async function resetPassword(
  database: Database,
  options: Options,
  config: Config,
): Promise<string> {
  const user = await findUser(database, options)
  if (user.email == null) {
    throw new CommandError('This account has no e-mail address to sign in with.')
  }
  const { password, generated } = await readPassword(options)
  return setPassword(database, user, await hashed(password, user.email, config), generated)
}

async function show(database: Database, options: Options): Promise<string> {
  const user = await findUser(database, options)
  const em = database.em.fork()
  const identities = await em.find(Identity, { user: user.id })
  const sessions = await em.count(Session, { user: user.id, expiresAt: { $gt: Date.now() } })
  return [
    `id              ${user.id}`,
    `email           ${user.email ?? '(none)'}${user.emailVerified ? ' (verified)' : ''}`,
    `name            ${user.name ?? '(none)'}`,
    `roles           ${user.roles.join(', ')}`,
    `password        ${describePassword(user)}`,
    `identities      ${identities.map(({ provider }) => provider).join(', ') || '(none)'}`,
    `sessions        ${sessions}`,
    `created         ${time(user.createdAt)}`,
    `last signed in  ${time(user.lastSignedInAt)}`,
    `disabled        ${user.disabledAt == null ? 'no' : `since ${time(user.disabledAt)}`}`,
  ].join('\n')
}

async function disable(database: Database, options: Options): Promise<string> {
  const { id } = await findUser(database, options)
  await operatorTrail().transactional(database.em.fork(), async (tx, record) => {
    const disabled = await tx.nativeUpdate(
      User,
      { id, disabledAt: null },
      { disabledAt: Date.now() },
    )
    if (disabled > 0) await record({ type: EventType.ACCOUNT_DISABLED, userId: id, actor })
  })
  return `Disabled ${id}. Its tokens are refused from the next request on.`
}

/** Ends what was signed in before: a session that was closed with the account must not come back. */
async function enable(database: Database, options: Options): Promise<string> {
  const { id } = await findUser(database, options)
  await operatorTrail().transactional(database.em.fork(), async (tx, record) => {
    await lockUser(tx, id)
    const enabled = await tx.nativeUpdate(
      User,
      { id, disabledAt: { $ne: null } },
      { disabledAt: null },
    )
    const sessionsEnded = await tx.nativeDelete(Session, { user: id })
    if (enabled > 0) {
      await record({ type: EventType.ACCOUNT_ENABLED, userId: id, actor, sessionsEnded })
    } else if (sessionsEnded > 0) {
      await record({ type: EventType.SESSION_ENDED, userId: id, actor, sessionsEnded })
    }
  })
  return `Enabled ${id}. The person has to sign in again.`
}

async function remove(database: Database, options: Options): Promise<string> {
  const { id } = await findUser(database, options)
  await operatorTrail().transactional(database.em.fork(), async (tx, record) => {
    if ((await tx.nativeDelete(User, { id })) === 0) return
    await forgetOrigins(tx, id)
    await record({ type: EventType.ACCOUNT_DELETED, userId: id, actor })
  })
  return `Deleted ${id}.`
}

async function grant(database: Database, options: Options): Promise<string> {
  const role = roleOf(options)
  return changeRoles(database, options, { type: EventType.ROLE_GRANTED, role }, (roles) => [
    ...new Set([...roles, role]),
  ])
}

async function revoke(database: Database, options: Options): Promise<string> {
  const role = roleOf(options)
  if (role === Role.USER)
    throw new CommandError('Everybody has the role USER. To lock somebody out: disable.')
  return changeRoles(database, options, { type: EventType.ROLE_REVOKED, role }, (roles) =>
    roles.filter((held) => held !== role),
  )
}

async function changeRoles(
  database: Database,
  options: Options,
  event: { type: EventType; role: Role },
  change: (roles: Role[]) => Role[],
): Promise<string> {
  const { id } = await findUser(database, options)
  const roles = await operatorTrail().transactional(database.em.fork(), async (tx, record) => {
    // So that two changes at once are both kept.
    await lockUser(tx, id)
    const user = await tx.findOneOrFail(User, { id })
    const before = user.roles.length
    user.roles = change(user.roles)
    if (user.roles.length !== before) await record({ ...event, userId: id, actor })
    return user.roles
  })
  return `${id} has the roles ${roles.join(', ')}.`
}

async function endSessions(database: Database, options: Options): Promise<string> {
  const { id } = await findUser(database, options)
  const ended = await operatorTrail().transactional(database.em.fork(), async (tx, record) => {
    await lockUser(tx, id)
    const sessionsEnded = await tx.nativeDelete(Session, { user: id })
    if (sessionsEnded > 0) {
      await record({ type: EventType.SESSION_ENDED, userId: id, actor, sessionsEnded })
    }
    return sessionsEnded
  })
  return `Ended ${ended} session${ended === 1 ? '' : 's'} of ${id}.`
}

async function findUser(database: Database, options: Options): Promise<User> {
  const { email, id } = options
  if ((email === undefined) === (id === undefined)) {
    throw new CommandError('Name the person by --email or by --id.')
  }
  const normalized = email === undefined ? undefined : normalizeEmail(email)
  const userId = parseAccountId(id ?? '')
  const em = database.em.fork()
  const user =
    normalized === undefined
      ? userId !== undefined && (await em.findOne(User, { id: userId }))
      : await em.findOne(User, { email: normalized })
  if (!user) throw new CommandError('There is no such account.')
  return user
}

/** @returns the password, and whether it was generated: then it is to be printed */
async function readPassword(options: Options): Promise<{ password: string; generated?: string }> {
  if (options['password-stdin'] === true) return { password: await readStandardInput() }
  const generated = generatePassword()
  return { password: generated, generated }
}

async function hashed(password: string, email: string, { bcryptCost }: Config) {
  return operatorPassword(password, email, bcryptCost).catch(refuse)
}

/** What breaks a rule of the API is refused here in the same words. */
function checked<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    return refuse(error)
  }
}

function refuse(error: unknown): never {
  throw error instanceof AppError ? new CommandError(error.message) : error
}

function roleOf({ role }: Options): Role {
  const known = Object.values(Role).find((name) => name === role)
  if (!known) throw new CommandError(`--role must be one of ${Object.values(Role).join(', ')}.`)
  return known
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

function describePassword({ passwordExpiresAt, passwordHash }: User): string {
  if (passwordHash == null) return 'no'
  return passwordExpiresAt == null ? 'yes' : `set by an operator, until ${time(passwordExpiresAt)}`
}

function time(milliseconds: number | null | undefined): string {
  return milliseconds == null ? 'never' : new Date(milliseconds).toISOString()
}
