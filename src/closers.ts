/** What has to be closed when the server stops, the last opened first. */
export class Closers {
  readonly #list: { readonly name: string; readonly close: () => Promise<void> }[] = []

  add(name: string, close: () => Promise<void>): void {
    this.#list.push({ name, close })
  }

  /** Closes everything, even if something fails. @throws what failed */
  async close(): Promise<void> {
    const failures: unknown[] = []
    for (const { name, close } of this.#list.toReversed()) {
      try {
        await close()
      } catch (error) {
        failures.push(new Error(`Could not close: ${name}`, { cause: error }))
      }
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, 'Several parts could not be closed')
  }
}
