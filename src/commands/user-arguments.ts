/** The command line of `npm run user`. */
import { parseArgs } from 'node:util'
import { CommandError } from './run.ts'

export const usage = `Usage: npm run user -- <command> (--email E | --id I) [options]

  create --email E [--name N] [--role ADMIN] [--password-stdin]
                       creates an account; without --password-stdin it generates and prints a password;
                       the password works for 7 days: the user has to change it before
  show                 prints the account
  list                 lists accounts, the newest first, and needs neither --email nor --id
    --search TEXT      part of the e-mail address or of the name
    --role R           with this role
    --disabled         disabled ones
    --limit N          no more than this many, from 1 to 10000; 100 by default
    --after I          those after the account with this id: the next page
    --json             one JSON object a line
  set-password [--password-stdin]
                       replaces the password, as create does, and ends every session
  remove-password [--force]
                       removes it and ends every session; --force if nothing else signs in
  disable, enable      blocks the account at once; unblocks it, with no session left
  delete               removes the account, its sessions and identities
  grant --role R       gives a role
  revoke --role R      takes a role
  end-sessions         signs the user out everywhere`

export type Options = ReturnType<typeof parse>['values']

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      email: { type: 'string' },
      id: { type: 'string' },
      name: { type: 'string' },
      role: { type: 'string' },
      'password-stdin': { type: 'boolean' },
      search: { type: 'string' },
      disabled: { type: 'boolean' },
      limit: { type: 'string' },
      after: { type: 'string' },
      json: { type: 'boolean' },
      force: { type: 'boolean' },
    },
  })
}

/** Options of one command only: given to another one, they would be ignored without a word. */
const optionsOf: Record<string, readonly (keyof Options)[]> = {
  create: ['email', 'name', 'role', 'password-stdin'],
  list: ['search', 'role', 'disabled', 'limit', 'after', 'json'],
  'set-password': ['email', 'id', 'password-stdin'],
  'remove-password': ['email', 'id', 'force'],
  grant: ['email', 'id', 'role'],
  revoke: ['email', 'id', 'role'],
}

/** @throws CommandError if the command line cannot be read */
export function readArguments(): { command: string; options: Options } {
  let problem = ''
  try {
    const { positionals, values } = parse()
    const [command, ...rest] = positionals
    if (command !== undefined && rest.length === 0) {
      const allowed: readonly string[] = optionsOf[command] ?? ['email', 'id']
      const unknown = Object.keys(values).find((name) => !allowed.includes(name))
      if (unknown === undefined) return { command, options: values }
      problem = `${command} has no option --${unknown}.\n\n`
    }
  } catch (error) {
    problem = `${(error as Error).message}\n\n`
  }
  throw new CommandError(problem + usage)
}
