/** A realistic mistake in the source: the suite has to notice each of them. */
export interface Mutation {
  /** What goes wrong, as a sentence; unique. */
  readonly name: string
  /** The mutated file, from the top level of the repository. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly from: string
  readonly to: string
  /** Test files that are expected to fail, from the top level of the repository. */
  readonly tests: readonly string[]
  /** Why no test can distinguish it from the original. Without a reason, a survivor is a missing test. */
  readonly survives?: string
}

/** @throws Error when the text to replace does not occur exactly once, since the code has changed */
export function applyMutation(mutation: Mutation, source: string): string {
  const parts = source.split(mutation.from)
  if (parts.length !== 2) {
    throw new Error(
      `The mutation "${mutation.name}" names text that occurs ${parts.length - 1} times in ${mutation.file}; adapt it in test/mutation/mutations.`,
    )
  }
  return parts.join(mutation.to)
}

/**
 * Mutations of one file.
 * @param file the mutated file
 * @param tests what is expected to fail, unless a mutation names its own
 */
export function inFile(file: string, tests: readonly string[]) {
  return (
    name: string,
    from: string,
    to: string,
    more: Partial<Pick<Mutation, 'tests' | 'survives'>> = {},
  ): Mutation => ({ name, file, from, to, tests, ...more })
}
