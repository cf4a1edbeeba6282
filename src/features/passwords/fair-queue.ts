/** A bounded queue that serves client networks in turn, so that none can take it from the others. */

export class FairQueue<T> {
  readonly #limit: number
  /** By network, in the order of their turns. Never empty. */
  readonly #lines = new Map<string, T[]>()
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  /** Whether one more of this network has a place, be it in place of one of a network that has more. */
  hasRoom(network: string): boolean {
    if (this.#size < this.#limit) return true
    const [, longest] = this.#longest() ?? []
    // Two more: otherwise two networks would take one place from each other in turn.
    return longest !== undefined && longest.length >= (this.#lines.get(network)?.length ?? 0) + 2
  }

  /**
   * Adds an item of a network that has room.
   * @returns the item that has to give way: the newest of the network that has the most
   */
  add(network: string, item: T): T | undefined {
    const isFull = this.#size >= this.#limit
    const longest = isFull ? this.#longest() : undefined
    const given = longest && this.#remove(longest[0], longest[1], longest[1].length - 1)
    const line = this.#lines.get(network)
    if (line) line.push(item)
    else this.#lines.set(network, [item])
    this.#size += 1
    return given
  }

  /** Takes the oldest item of the network whose turn it is. */
  take(): T | undefined {
    const first = this.#lines.entries().next().value
    if (!first) return undefined
    const [network, line] = first
    const item = this.#remove(network, line, 0)
    // Its next turn comes after those of all others.
    if (this.#lines.delete(network)) this.#lines.set(network, line)
    return item
  }

  #remove(network: string, line: T[], index: number): T {
    const [item] = line.splice(index, 1)
    if (line.length === 0) this.#lines.delete(network)
    this.#size -= 1
    return item!
  }

  #longest(): [string, T[]] | undefined {
    let found: [string, T[]] | undefined
    for (const entry of this.#lines) if (!found || entry[1].length > found[1].length) found = entry
    return found
  }
}
