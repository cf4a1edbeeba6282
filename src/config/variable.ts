/** What a line of the table in variables.ts says, and how its type is checked against `Config`. */
import type { Config } from './types.ts'

/** `port`, `tokens.issuer`, … */
export type Path = keyof Config | `${keyof Config}.${string}`

type Member<T, K> = T extends unknown ? (K extends keyof T ? T[K] : never) : never

/** The type of `Config` at a path; `never` if there is no such path. */
export type ValueAt<P extends Path> = P extends `${infer Group extends keyof Config}.${infer Key}`
  ? Member<Config[Group], Key> | Extract<Config[Group], undefined>
  : Member<Config, P>

/** A default that depends on variables above this one in the table. */
export interface Computed<T> {
  /** What the documentation says of it. */
  readonly words: string
  readonly value: (config: Config) => T
}

export interface Declaration<T> {
  /** For the documentation: whole sentences. */
  readonly description: string
  /** Absent: undefined, and in the documentation "none". A text is read like one that is given. */
  readonly default?: string | Computed<T>
  /** @throws Problem */
  readonly parse: (text: string) => T
  /** Adds to the value what other variables contribute. */
  readonly complete?: (value: T, config: Config) => T
  /** When this returns false, the value is checked but not used. */
  readonly appliesTo?: (config: Config) => boolean
}

export interface Variable extends Declaration<unknown> {
  readonly path: Path
}

/** Declares a variable whose value goes to this path of `Config`. */
export function variable<P extends Path>(path: P, declaration: Declaration<ValueAt<P>>): Variable {
  return { path, ...declaration } as Variable
}
