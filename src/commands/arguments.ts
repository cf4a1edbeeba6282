/** The command line of the operators' commands. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { CommandError } from './run.ts'

/**
 * @param most how many arguments there may be that are not options
 * @throws CommandError that says what is wrong, with the usage
 */
export function parseCommandLine<T extends ParseArgsConfig>(
  usage: string,
  config: T,
  most: number,
): ReturnType<typeof parseArgs<T & { allowPositionals: true }>> {
  let parsed
  try {
    parsed = parseArgs({ ...config, allowPositionals: true as const })
  } catch (error) {
    throw new CommandError(`${describe(error as NodeJS.ErrnoException)}\n\n${usage}`)
  }
  const extra = parsed.positionals[most]
  if (extra === undefined) return parsed
  throw new CommandError(`Unexpected argument: ${extra}\n\n${usage}`)
}

/** Node's own words explain how to pass an argument that looks like an option. */
function describe({ code, message }: NodeJS.ErrnoException): string {
  const option = /--?[^\s'<]*/.exec(message)?.[0] ?? ''
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `There is no option ${option}.`
  return message.includes('does not take')
    ? `${option} takes no value.`
    : `${option} needs a value.`
}

/** What to print if the command is missing or unknown. */
export function withoutCommand(command: string | undefined, usage: string): string {
  return command === undefined ? usage : `There is no command ${command}.\n\n${usage}`
}
