/** The command line of `npm run user`. */
import { parseCommandLine } from './arguments.ts'
import { CommandError } from './run.ts'
import { usage } from './usage.ts'

export type Options = ReturnType<typeof parse>['values']

function parse() {
  const config = {
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
  } as const
  return parseCommandLine(usage.user, config, 1)
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
  const { positionals, values } = parse()
  const [command] = positionals
  if (command === undefined) throw new CommandError(usage.user)
  const own = Object.hasOwn(optionsOf, command) ? optionsOf[command] : undefined
  const allowed: readonly string[] = own ?? ['email', 'id']
  const unknown = Object.keys(values).find((name) => !allowed.includes(name))
  if (unknown === undefined) return { command, options: values }
  throw new CommandError(`${command} has no option --${unknown}.\n\n${usage.user}`)
}
