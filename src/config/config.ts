/** Reads the environment, once, into a frozen `Config`. */
import { isLoopback } from './addresses.ts'
import { readVariable } from './formats.ts'
import { Problem } from './problem.ts'
import { readProviderSettings } from './providers.ts'
import type { Config } from './types.ts'
import type { Variable } from './variable.ts'
import { variables } from './variables.ts'

export type { Config } from './types.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Texts = ReadonlyMap<string, string>
type Values = ReadonlyMap<string, unknown>

/** Every problem of the environment at once. Names variables and rules, never values. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(
      ['The configuration is wrong:', ...problems.map((problem) => `  ${problem}`)].join('\n'),
      options,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/**
 * Reads the environment. An empty variable counts as absent.
 * @throws ConfigError naming every wrong variable at once, without its value
 */
export function loadConfig(env: Environment): Config {
  const given: Texts = new Map(
    Object.keys(variables).flatMap((name) => {
      const text = readVariable(env, name)
      return text === undefined ? [] : [[name, text] as const]
    }),
  )
  const { values, problems } = parse(given)
  const { providers, problems: ofProviders } = readProviderSettings(env)
  problems.push(...contradictions(given, values), ...ofProviders)
  if (problems.length > 0) throw new ConfigError(problems)
  return freeze({ ...assemble(values), providers })
}

/** The value of each variable that is given or has a fixed default. */
function parse(given: Texts): { values: Values; problems: string[] } {
  const values = new Map<string, unknown>()
  const problems: string[] = []
  for (const [name, { default: fallback, parse: read }] of Object.entries(variables)) {
    const text = given.get(name) ?? fallback
    if (typeof text !== 'string') continue
    try {
      values.set(name, read(text))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      problems.push(`${name} ${error.message}`)
    }
  }
  return { values, problems }
}

/** Rules about several variables. */
function contradictions(given: Texts, values: Values): string[] {
  const problems: string[] = []
  const host = values.get('HOST')
  const isPostgresql = /^\s*postgres/i.test(given.get('DATABASE_URL') ?? '')
  const reasons = [
    !(typeof host === 'string' && isLoopback(host)) && 'HOST is not loopback',
    isPostgresql && 'DATABASE_URL is PostgreSQL',
  ].filter((reason) => reason !== false)
  if (!given.has('APP_SECRET') && reasons.length > 0) {
    problems.push(
      `APP_SECRET must be given when ${reasons.join(' and ')}: 32 random bytes or more, for example from \`openssl rand -base64 32\``,
    )
  }
  const database = values.get('DATABASE_URL') as Config['database'] | undefined
  for (const name of ['DATABASE_REPLICA_URLS', 'DATABASE_SCHEMA']) {
    if (given.has(name) && values.has(name) && database?.engine === 'sqlite') {
      problems.push(`${name} must not be given when DATABASE_URL is SQLite`)
    }
  }
  if (given.has('TLS_CERT') !== given.has('TLS_KEY')) {
    problems.push('TLS_CERT and TLS_KEY must both be given, or neither')
  } else if (given.has('TLS_CERT') && /^http:/i.test(given.get('PUBLIC_URL') ?? '')) {
    problems.push('PUBLIC_URL must be https when TLS_CERT is given')
  }
  return problems
}

/** Puts each value at its path, and computes the defaults that depend on those above them. */
function assemble(values: Values): Config {
  // A group such as `tls` is there as soon as one of its values is.
  const config: Record<string, unknown> = {}
  const soFar = config as unknown as Config
  for (const [name, variable] of Object.entries(variables)) {
    if (variable.appliesTo?.(soFar) === false) continue
    const value = valueOf(variable, values.get(name), soFar)
    const [group, key] = variable.path.split('.') as [string, string?]
    if (key === undefined) config[group] = value
    else if (value !== undefined || config[group] !== undefined) {
      config[group] = { ...(config[group] as object), [key]: value }
    }
  }
  return soFar
}

function valueOf(variable: Variable, given: unknown, config: Config): unknown {
  const { complete, default: fallback } = variable
  const value = given === undefined && typeof fallback === 'object' ? fallback.value(config) : given
  return complete ? complete(value, config) : value
}

/** Freezes an object of data and the objects in it. */
function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) freeze(part as object)
  }
  return Object.freeze(value)
}
