/** Ids of events: UUIDs of version 7 (RFC 9562), whose order is that of time. */
import { randomBytes } from 'node:crypto'

/** A clock that was set back by more than this was wrong before; by less, it is ours that waits. */
const toleratedMilliseconds = 10_000

/**
 * Ids that one process makes are in the order in which it made them, within a millisecond too: the 12
 * bits behind the time count (RFC 9562 section 6.2, method 1). The other 62 bits are random.
 */
export class EventIds {
  #lastMilliseconds = 0
  #counter = 0

  /** @param now milliseconds since the epoch */
  next(now: number): string {
    if (now > this.#lastMilliseconds || now < this.#lastMilliseconds - toleratedMilliseconds) {
      this.#lastMilliseconds = now
      this.#counter = 0
    } else if (++this.#counter > 0xfff) {
      // More in one millisecond than can be counted: the next one is borrowed from.
      this.#lastMilliseconds += 1
      this.#counter = 0
    }
    const random = randomBytes(8)
    random[0] = (random[0]! & 0x3f) | 0x80
    return format(this.#lastMilliseconds, 0x7000 | this.#counter, random)
  }
}

/** The lowest id that an event of this time could have. */
export function lowestEventId(milliseconds: number): string {
  return format(Math.max(0, milliseconds), 0, Buffer.alloc(8))
}

function format(milliseconds: number, middle: number, end: Buffer): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(milliseconds, 0, 6)
  bytes.writeUInt16BE(middle, 6)
  end.copy(bytes, 8)
  return formatUuid(bytes)
}

/** @param bytes 16 of them */
export function formatUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
