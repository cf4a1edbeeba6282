/** `npm run user -- create | show | …`: accounts, by the operator. The server obeys at the next request. */
import { randomBytes, randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { forgetOrigins } from '../audit/audit-trail.ts'
import { EventActor, EventType } from '../audit/event.ts'
import { loadConfig, type Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { Role } from '../guard/role.ts'
import { PasswordHasher } from '../passwords/password-hasher.ts'
import { checkNewPassword } from '../passwords/password-policy.ts'
import { Session } from '../sessions/session.entity.ts'
import { normalizeEmail } from '../users/email.ts'
import { Identity } from '../users/identity.entity.ts'
import { lockPerson } from '../users/lock-person.ts'
import { checkName } from '../users/name.ts'
import { User } from '../users/user.entity.ts'
import { parseAccountId } from './account-id.ts'
import { operatorTrail } from './operator-trail.ts'
import { CommandError, run } from './run.ts'
import { withDatabase, withDatabaseAsItIs } from './with-database.ts'

const actor = EventActor.OPERATOR

const usage = `Usage: npm run user -- <command> (--email E | --id I) [options]

  create --email E [--name N] [--role ADMIN] [--password-stdin]
                       makes an account; without --password-stdin a password is made and printed
  show                 prints the account
  disable, enable      closes the account at once; opens it again, with no session left
  delete               removes the account, its sessions and identities
  grant --role R       gives a role
  revoke --role R      takes a role
  end-sessions         signs the person out everywhere`

type Options = {
  email?: string
  id?: string
  name?: string
  role?: string
  'password-stdin'?: boolean
}

// Before it is used: a module runs from top to bottom, and waits at `await`.
const commands: Record<
  string,
  ((database: Database, options: Options, config: Config) => Promise<string>) | undefined
> = {
  create,
  show,
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
  const open = work === show ? withDatabaseAsItIs : withDatabase
  return open(config, (database) => work(database, options, config))
})

function readArguments(): { command: string; options: Options } {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        email: { type: 'string' },
        id: { type: 'string' },
        name: { type: 'string' },
        role: { type: 'string' },
        'password-stdin': { type: 'boolean' },
      },
    })
    const [command, ...rest] = positionals
    if (command !== undefined && rest.length === 0) return { command, options: values }
  } catch (error) {
    throw new CommandError(`${(error as Error).message}\n\n${usage}`)
  }
  throw new CommandError(usage)
}

async function create(database: Database, options: Options, config: Config): Promise<string> {
  const email = normalizeEmail(options.email ?? '')
  if (email === undefined) throw new CommandError('--email must be an e-mail address.')
  const given = options['password-stdin'] === true ? await readStandardInput() : undefined
  const password = given ?? randomBytes(18).toString('base64url')
  const hasher = new PasswordHasher(config.bcryptCost)
  try {
    const account = {
      id: randomUUID(),
      email,
      // The operator vouches for the address.
      emailVerified: true,
      name: checked(() => checkName(options.name)) ?? null,
      roles: options.role === undefined ? [Role.USER] : [...new Set([Role.USER, roleOf(options)])],
      passwordHash: await hasher.hash(checked(() => checkNewPassword('password', password, email))),
      credentialVersion: 0,
      createdAt: Date.now(),
      lastSignedInAt: null,
      disabledAt: null,
    }
    await operatorTrail().transactional(database.em.fork(), async (tx, record) => {
      await tx.persist(tx.create(User, account)).flush()
      await record({ type: EventType.ACCOUNT_CREATED, userId: account.id, actor })
      const granted = account.roles.filter((role) => role !== Role.USER)
      for (const role of granted) {
        await record({ type: EventType.ROLE_GRANTED, userId: account.id, actor, role })
      }
    })
    return `Made ${email}, ${account.id}.${given === undefined ? `\nPassword: ${password}` : ''}`
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    throw new CommandError(`There is an account with the address ${email}.`)
  } finally {
    await hasher.close()
  }
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
    `password        ${user.passwordHash == null ? 'no' : 'yes'}`,
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
    await lockPerson(tx, id)
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
    await lockPerson(tx, id)
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
    await lockPerson(tx, id)
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

/** What breaks a rule of the API is refused here in the same words. */
function checked<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw error instanceof AppError ? new CommandError(error.message) : error
  }
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

function time(milliseconds: number | null | undefined): string {
  return milliseconds == null ? 'never' : new Date(milliseconds).toISOString()
}
