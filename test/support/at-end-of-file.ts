/**
 * Work for the end of a test file, from wherever it is asked for: concurrent tests have no hooks of their own, and a
 * module that several files share registers a hook for the first of them only.
 */
const work: (() => unknown)[] = []

/** The last one runs first. */
export function atEndOfFile(what: () => unknown): void {
  work.push(what)
}

export async function endFile(): Promise<void> {
  for (let next = work.pop(); next !== undefined; next = work.pop()) await next()
}
